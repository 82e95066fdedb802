//! Both sign-in routes: names and passwords, and what failures bring.

mod auth;
mod enumeration;
mod login;
mod old_hashes;
mod passwords;
mod second_factor;
mod throttle;

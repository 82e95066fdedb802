//! Second factors: one-time passwords of an authenticator app, and recovery codes (docs/api.md).

mod qr_code;
mod recovery_code;
mod totp;

pub use qr_code::QrCode;
pub use recovery_code::RecoveryCode;
pub use totp::{OpenedSecret, TotpCode, TotpSecret};

//! What is asked for by mail tells nobody who has an account: not by the answer, by what is written, or by the time it takes.

use serde_json::json;
use wasm_bindgen_test::{console_log, wasm_bindgen_test};

use super::{CODE, FORGOT, settings};
use crate::harness::{Answer, Server, unique};

/// What an address can be: each is made by this statement, if by any.
const CLASSES: [(&str, Option<&str>); 6] = [
    ("unknown", None),
    (
        "known",
        Some(
            "INSERT INTO users (email, name, password_hash, email_verified_at) VALUES (?, 'Ann', 'a hash of its own$$$', 1)",
        ),
    ),
    (
        "unproven",
        Some(
            "INSERT INTO users (email, name, password_hash) VALUES (?, 'Ann', 'a hash of its own$$$')",
        ),
    ),
    (
        "without a password",
        Some("INSERT INTO users (email, name, email_verified_at) VALUES (?, 'Ann', 1)"),
    ),
    (
        "disabled",
        Some(
            "INSERT INTO users (email, name, password_hash, email_verified_at, disabled) \
            VALUES (?, 'Ann', 'a hash of its own$$$', 1, 1)",
        ),
    ),
    (
        "in another language",
        Some(
            "INSERT INTO users (email, name, password_hash, language) VALUES (?, 'Ann', 'a hash of its own$$$', 'de')",
        ),
    ),
];

/// An address of that class which nothing has been sent to; all are of one length, and write a row.
async fn address(server: &Server, statement: Option<&str>) -> String {
    let email = format!("{:x<12}@example.com", unique("alike"));
    let made = match statement {
        Some(_) => email.clone(),
        None => format!("other{email}"),
    };
    let statement = statement.or(CLASSES[1].1).unwrap();
    server.sql(statement, &[made.into()]).await;
    email
}

async fn ask(server: &Server, path: &str, email: &str) -> (Answer, f64) {
    let request = server.request("POST", path).json(json!({ "email": email }));
    request.send_held_back(1).await
}

/// Until nothing is left of what the Worker does after its answer.
async fn settle(server: &Server) {
    while !server.sql("SELECT 1 FROM outbox", &[]).await.is_empty() {}
}

/// The console lines with that beginning since there were `before` lines, once no more come.
async fn lines(server: &Server, before: usize, beginning: &str) -> Vec<String> {
    settle(server).await;
    let mut logs = server.logs().await;
    loop {
        for _ in 0..10 {
            server.sql("SELECT 1", &[]).await;
        }
        let more = server.logs().await;
        if more.len() == logs.len() {
            break;
        }
        logs = more;
    }
    let lines = logs.into_iter().skip(before);
    lines
        .filter_map(|line| line.strip_prefix(beginning).map(str::to_owned))
        .collect()
}

#[wasm_bindgen_test]
async fn answers_statements_and_rows_are_the_same_for_every_address() {
    let counted = Server::start_with_counted_rows(&settings()).await;
    let seen = Server::start_with_seen_queries(&settings()).await;
    for path in [FORGOT, CODE] {
        let mut first = None;
        for (class, statement) in CLASSES {
            let email = address(&counted, statement).await;
            let before = counted.logs().await.len();
            let (answer, _) = ask(&counted, path, &email).await;
            let rows = lines(&counted, before, "rows written: ").await;
            let email = address(&seen, statement).await;
            let before = seen.logs().await.len();
            ask(&seen, path, &email).await;
            let statements = lines(&seen, before, "query: ").await;
            let id = answer.json()["id"].as_str().unwrap().to_owned();
            assert_eq!(id.len(), 22);
            let headers: Vec<_> = answer
                .headers
                .all()
                .map(|(n, v)| format!("{n}: {v}"))
                .collect();
            let body = answer.text().replace(&id, "");
            let shape = (answer.status, headers, body, rows, statements);
            let first = first.get_or_insert_with(|| {
                console_log!(
                    "{path}: rows written {:?}, {} statements",
                    shape.3,
                    shape.4.len()
                );
                shape.clone()
            });
            assert_eq!(&shape, first, "{path} {class}");
        }
    }
    counted.stop().await;
    seen.stop().await;
}

/// Of each class.
const SAMPLES: usize = 51;

/// The order of three classes in which each comes after each, itself among them, as often as after any other: what a
/// request leaves to be done slows the next one down.
const ORDER: [usize; 9] = [0, 0, 1, 0, 2, 1, 1, 2, 2];

/// The part of the least median by which the greatest may be more.
const BOUND: f64 = 0.15;

/// The class with the least median, if the greatest is out of bounds.
async fn told(server: &Server, path: &str) -> Option<&'static str> {
    let classes = [CLASSES[0], CLASSES[1], CLASSES[4]];
    let mut times = vec![Vec::new(); classes.len()];
    for index in ORDER.into_iter().cycle().take(classes.len() * SAMPLES) {
        let email = address(server, classes[index].1).await;
        let (answer, ms) = ask(server, path, &email).await;
        assert_eq!(answer.status, 202);
        times[index].push(ms);
        settle(server).await;
    }
    let mut medians = Vec::new();
    for ((class, _), times) in classes.iter().zip(&mut times) {
        assert_eq!(times.len(), SAMPLES);
        times.sort_by(f64::total_cmp);
        let at = |percent: usize| times[times.len() * percent / 100];
        console_log!(
            "{path}, {class}: median {:.2} ms, from {:.2} (5 %) to {:.2} (95 %)",
            at(50),
            at(5),
            at(95)
        );
        medians.push((at(50), *class));
    }
    medians.sort_by(|a, b| a.0.total_cmp(&b.0));
    let spread = medians[medians.len() - 1].0 / medians[0].0 - 1.0;
    (spread > BOUND).then_some(medians[0].1)
}

/// What tells classes apart does so each time it is measured, and always the same one; what else a busy machine does, does
/// not.
#[wasm_bindgen_test]
async fn medians_do_not_tell_who_has_an_account() {
    let server = Server::start(&settings()).await;
    // The first ones compile what they run.
    for _ in 0..20 {
        ask(&server, FORGOT, &address(&server, None).await).await;
    }
    for path in [FORGOT, CODE] {
        let first = told(&server, path).await;
        let mut times = 1;
        while times < 5 && first.is_some() && told(&server, path).await == first {
            times += 1;
        }
        assert!(times < 5, "{path}: {first:?} is answered sooner each time");
    }
    server.stop().await;
}

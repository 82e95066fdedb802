//! What the cron trigger deletes, by which index.

use wasm_bindgen_test::wasm_bindgen_test;

use super::check_plan;
use crate::harness::{Account, Server};

#[wasm_bindgen_test]
async fn purges_search_by_an_index_and_end() {
    let server = Server::start_with_seen_queries(&[]).await;
    Account::register(&server).await;
    assert_eq!(server.run_cron().await, "ok");
    let lines = server.logs().await;
    let statements: Vec<_> = lines
        .iter()
        .filter_map(|line| line.strip_prefix("query: "))
        .collect();
    let purges: Vec<_> = statements
        .iter()
        .filter(|text| text.contains("after_key") || text.starts_with("DELETE"))
        .collect();
    assert!(purges.len() >= 6, "{statements:?}");
    for statement in statements {
        check_plan(&server, statement).await;
    }
    server.stop().await;
}

#[wasm_bindgen_test]
async fn a_purge_goes_on_where_the_last_one_ended() {
    let server = Server::start(&[]).await;
    // More than one event takes: five steps of 20,000 rows.
    let rows = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 110000) \
        INSERT INTO attempts SELECT 'address ' || printf('%06d', i), 1, 0, 0, 0, 0 FROM n";
    server.sql(rows, &[]).await;
    let audit = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 110000) \
        INSERT INTO audit (at, action, address) SELECT 0, 'x', 'x' FROM n";
    server.sql(audit, &[]).await;
    let count = async |table: &str| {
        let rows = server
            .sql(&format!("SELECT count(*) AS n FROM {table}"), &[])
            .await;
        rows[0]["n"].as_u64().unwrap()
    };
    for left in [10_000, 0, 0] {
        assert_eq!(server.run_cron().await, "ok");
        assert_eq!(
            (count("attempts").await, count("audit").await),
            (left, left)
        );
    }
    let rest = server.sql("SELECT after_key FROM purges", &[]).await;
    assert!(rest.iter().all(|row| row["after_key"] == ""), "{rest:?}");
    server.stop().await;
}

//! The measurements that need no installation, for a second each.

use std::process::Command;

use serde_json::Value;

fn measure(what: &str) -> Value {
    let arguments = [what, "--seconds", "1", "--concurrency", "4", "--json"];
    let output = Command::new(env!("CARGO_BIN_EXE_berth-bench"))
        .args(arguments)
        .output()
        .expect("the program can be started");
    let text = String::from_utf8(output.stdout).expect("the output is text");
    assert!(
        output.status.success(),
        "{text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let mut lines = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("each line is JSON"));
    let machine = lines.next().expect("the machine comes first");
    assert!(machine["cores"].as_u64() > Some(0), "{machine}");
    lines.next().expect("the result comes next")
}

#[test]
fn handshakes_and_requests_are_counted_and_none_goes_wrong() {
    for what in ["dtls", "coap"] {
        let outcome = measure(what);
        assert_eq!(outcome["name"], what);
        assert_eq!(outcome["errors"], 0, "{outcome}");
        for figure in ["ops", "p50_us", "p99_us"] {
            assert!(outcome[figure].as_u64().unwrap() > 0, "{outcome}");
        }
        for figure in ["ops_per_s", "per_cpu", "rss_mib"] {
            assert!(outcome[figure].as_f64().unwrap() > 0.0, "{outcome}");
        }
    }
}

//! The admin port.

use std::net::SocketAddr;

use nf_runtime::Runtime;
use nf_runtime::admin::{self, Admin};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::support::{AUSF, LOCALHOST, Lab};

async fn ask(address: SocketAddr, method: &str, path: &str) -> String {
    let mut tcp = TcpStream::connect(address).await.unwrap();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: admin\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
    );
    tcp.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    tcp.read_to_string(&mut answer).await.unwrap();
    answer
}

async fn start(runtime: &Runtime) -> SocketAddr {
    let listener = TcpListener::bind((LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let admin = Admin {
        name: "aanf",
        version: "1.2.3",
        readiness: runtime.lifecycle.readiness(),
        metrics: runtime.metrics.clone(),
    };
    let lifecycle = runtime.lifecycle.clone();
    runtime.lifecycle.spawn("admin", async move {
        admin::serve(listener, admin, &lifecycle).await.unwrap()
    });
    address
}

#[tokio::test]
async fn its_pages_are_read_only() {
    let runtime = Runtime::for_tests();
    let address = start(&runtime).await;
    for path in ["/livez", "/readyz", "/metrics", "/version"] {
        assert!(
            ask(address, "GET", path).await.starts_with("HTTP/1.1 200 "),
            "{path}"
        );
        for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"] {
            assert!(
                ask(address, method, path)
                    .await
                    .starts_with("HTTP/1.1 405 "),
                "{method} {path}"
            );
        }
    }
    assert!(
        ask(address, "GET", "/debug")
            .await
            .starts_with("HTTP/1.1 404 ")
    );
    let version = ask(address, "GET", "/version").await;
    assert!(
        version.ends_with(r#"{"name":"aanf","version":"1.2.3"}"#),
        "{version}"
    );
    let metrics = ask(address, "GET", "/metrics").await;
    assert!(
        metrics
            .contains("content-type: application/openmetrics-text; version=1.0.0; charset=utf-8"),
        "{metrics}"
    );
    assert!(metrics.ends_with("# EOF\n"), "{metrics}");
}

#[tokio::test]
async fn readyz_names_what_it_waits_for_while_livez_is_well() {
    let runtime = Runtime::for_tests();
    let latch = runtime.lifecycle.readiness().latch("store");
    let address = start(&runtime).await;
    let answer = ask(address, "GET", "/readyz").await;
    assert!(
        answer.starts_with("HTTP/1.1 503 ") && answer.ends_with("waiting for store\n"),
        "{answer}"
    );
    assert!(
        ask(address, "GET", "/livez")
            .await
            .starts_with("HTTP/1.1 200 ")
    );
    latch.release();
    assert!(
        ask(address, "GET", "/readyz")
            .await
            .starts_with("HTTP/1.1 200 ")
    );
}

#[tokio::test]
async fn metrics_tell_of_the_process_and_of_its_certificates() {
    let (lab, runtime) = (Lab::new(), Runtime::for_tests());
    let identity = lab.identity(&AUSF);
    let end = identity.end().unwrap();
    runtime
        .metrics
        .certificate("identity", move || identity.end());
    runtime.metrics.certificate("identity", || Some(i64::MAX));
    let latch = runtime.lifecycle.readiness().latch("store");
    let address = start(&runtime).await;
    let page = ask(address, "GET", "/metrics").await;
    let name = "berth_tls_certificate_expiry_timestamp_seconds";
    for line in [
        "berth_ready 0".to_owned(),
        r#"berth_build_info{version="1.2.3",function="aanf"} 1"#.to_owned(),
        format!(r#"{name}{{certificate="identity"}} {end}"#),
        "berth_rpc_server_in_flight 0".to_owned(),
    ] {
        assert!(
            page.lines().any(|shown| shown == line),
            "{line} not in {page}"
        );
    }
    for name in [
        "process_resident_memory_bytes ",
        "process_open_fds ",
        "process_cpu_seconds_total ",
        "process_start_time_seconds ",
    ] {
        assert!(page.contains(&format!("\n{name}")), "{name} not in {page}");
    }
    latch.release();
    let page = ask(address, "GET", "/metrics").await;
    assert!(page.contains("\nberth_ready 1\n"), "{page}");
}

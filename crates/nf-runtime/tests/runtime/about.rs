//! What a process says about itself, and to whom.

use futures::FutureExt as _;
use nf_api::convert;
use nf_api::pb::common::info_service_client::InfoServiceClient;
use nf_api::pb::common::{GetInfoRequest, finding};
use nf_runtime::Runtime;
use nf_runtime::about::{Finding, Verdict};
use tonic::Code;
use tonic::service::Routes;

use crate::support::{AUSF, Lab, VAULT};

#[tokio::test]
async fn an_operator_hears_version_clock_certificates_and_findings_and_nobody_else_does() {
    let (lab, runtime) = (Lab::new(), Runtime::for_tests());
    let files = lab.files(&VAULT);
    runtime.about.certificate("identity", files.certificate);
    runtime
        .about
        .certificate("portal", lab.folder.path().join("nothing"));
    runtime.about.look(|| {
        let found = Finding {
            about: "store vault".to_owned(),
            verdict: Verdict::Advice,
            text: "of a laboratory".to_owned(),
        };
        async { found }.boxed()
    });
    let address = lab.serve(Routes::default(), &runtime).await;

    let operator = nf_api::Caller::Operator {
        name: "admin".to_owned(),
    };
    let told = InfoServiceClient::new(lab.connect(address, &operator, &runtime))
        .get(GetInfoRequest {})
        .await
        .unwrap()
        .into_inner();
    assert_eq!(told.version, env!("CARGO_PKG_VERSION"));
    let now = convert::unix_ms(told.now).unwrap();
    assert_eq!(now, runtime.clock.unix_ms());
    let [identity, portal] = told.certificates.as_slice() else {
        panic!("{:?}", told.certificates);
    };
    assert_eq!(identity.name, "identity");
    assert!(convert::unix_ms(identity.not_after).unwrap() > 0);
    assert_eq!((portal.name.as_str(), portal.not_after), ("portal", None));
    let [found] = told.findings.as_slice() else {
        panic!("{:?}", told.findings);
    };
    assert_eq!(found.verdict(), finding::Verdict::Advice);
    assert_eq!(found.text, "of a laboratory");

    let refused = InfoServiceClient::new(lab.connect(address, &AUSF, &runtime))
        .get(GetInfoRequest {})
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
}

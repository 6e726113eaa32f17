//! Nothing that is secret stays, and what helps does.

use serde_json::json;

use super::*;

fn redact(text: &str) -> String {
    Redactor::new().unwrap().redact(text.as_bytes())
}

#[test]
fn identifiers_are_shortened() {
    for (whole, short) in [
        ("supi=imsi-001010000000042.", "supi=imsi-00101…042."),
        ("msisdn-491234567890", "msisdn-49…890"),
        ("suci-0-001-01-0-0-0-0000000042", "suci-0-001-01-0-0-0-…"),
        ("dev_otd33q6vyfeddciqlka2ekk32fqxt5eu", "dev_…t5eu"),
        ("sub_01ARZ3NDEKTSV4RRFFQ69G5FAV", "sub_…5FAV"),
        (
            "\"ue-abcdefgh@msgin5g.berth.test\"",
            "\"…@msgin5g.berth.test\"",
        ),
        ("nai-sensor42@factory.example", "…@factory.example"),
        ("001010000000042", "[masked]"),
        (
            "redis://aanf:hunter2@store:6379/0",
            "redis://[masked]@store:6379/0",
        ),
    ] {
        assert_eq!(redact(whole), short);
    }
}

#[test]
fn secrets_are_masked() {
    for (text, secret) in [
        ("password = \"hunter22\"", "hunter22"),
        ("{\"token\":\"eyJhbGciOi.abc.def\"}", "eyJhbGciOi.abc.def"),
        ("Authorization: Bearer abcdefgh", "abcdefgh"),
        (
            "order_code=ABCDEFGHIJKLMNOPQRSTUVWX27",
            "ABCDEFGHIJKLMNOPQRSTUVWX27",
        ),
        ("code=ABCDEFGHIJKLMNOPQRSTUVWXYZ", "ABCDEFGHIJKL"),
        ("?c=Zm9vYmFyYmF6cXV4MTIzNA", "Zm9vYmFyYmF6cXV4MTIzNA"),
        ("-----BEGIN PRIVATE KEY-----\nMIGH\nAgEA\n", "MIGH"),
        ("\"-----BEGIN X-----\\nMIIB\\n-----END X-----\\n\"", "MIIB"),
        (
            "k: 465b5ce8b199b49faa5f0a2ee238a6bc",
            "465b5ce8b199b49faa5f0a2ee238a6bc",
        ),
        ("46:5b:5c:e8:b1:99:b4:9f:aa:5f:0a:2e:e2:38:a6:bc", "5f:0a"),
        (
            "[70, 91, 92, 232, 177, 153, 180, 159, 170, 95, 10, 46, 226, 56, 166, 188]",
            "170, 95",
        ),
        (
            r#"b"F[\\\xe8\xb1\x99\xb4\x9f\xaa_\n.\xe28\xa6\xbc""#,
            r"_\n.",
        ),
    ] {
        let masked = redact(text);
        assert!(
            masked.contains(MASKED) && !masked.contains(secret),
            "{masked}"
        );
    }
}

/// What stands behind a name that calls it a secret goes, in every way of writing it, and nothing before or after it.
#[test]
fn what_is_called_a_secret_is_masked_as_a_whole() {
    for (text, masked) in [
        ("REDIS_PASSWORD=hunter22", "REDIS_PASSWORD=[masked]"),
        (
            "BERTH__STORE__VAULT__PASSWORD=hunter22 next",
            "BERTH__STORE__VAULT__PASSWORD=[masked] next",
        ),
        ("REDISCLI_AUTH=hunter22", "REDISCLI_AUTH=[masked]"),
        (
            "store_password = \"hunter22\"",
            "store_password = \"[masked]\"",
        ),
        ("password = \"abc12\"", "password = \"[masked]\""),
        ("password=x", "password=[masked]"),
        (
            "password = \"hunter, 22; {x}\" # mine",
            "password = \"[masked]\" # mine",
        ),
        ("password = '''hun\nter'''", "password = '''[masked]'''"),
        ("token: 'it''s secret' # a", "token: '[masked]' # a"),
        ("{token: '', name: 'it''s'}", "{token: '', name: 'it''s'}"),
        ("requirepass hunter22", "requirepass [masked]"),
        ("  masterauth hunter22\n", "  masterauth [masked]\n"),
        (
            ">>> 'requirepass \"hunter22\"'",
            ">>> 'requirepass \"[masked]\"'",
        ),
        (
            "sentinel auth-pass berth hunter22",
            "sentinel auth-pass berth [masked]",
        ),
        ("client_secret=hunter22abc", "client_secret=[masked]"),
        ("secret: hunter22abc", "secret: [masked]"),
        (
            "clientSecret: >-\n  hunter22",
            "clientSecret: >-\n  [masked]",
        ),
        (
            "redis-server --requirepass hunter22 --port 1",
            "redis-server --requirepass [masked] --port 1",
        ),
        (
            r#"["--redis-password", "hunter22", "-x"]"#,
            r#"["--redis-password", "[masked]", "-x"]"#,
        ),
        (
            r#"{"name":"REDIS_PASSWORD","value":"hunter22"}"#,
            r#"{"name":"REDIS_PASSWORD","value":"[masked]"}"#,
        ),
        (
            "- name: REDIS_PASSWORD\n  value: hunter22",
            "- name: REDIS_PASSWORD\n  value: [masked]",
        ),
        (
            r#"EnvVar { name: "REDIS_PASSWORD", value: Some("hunter22") }"#,
            r#"EnvVar { name: "REDIS_PASSWORD", value: Some("[masked]") }"#,
        ),
        // One string in another, as deep as it likes.
        (
            r#"{"said":"x\npassword = \"hun\\\"ter\"\nlisten = 1"}"#,
            r#"{"said":"x\npassword = \"[masked]\"\nlisten = 1"}"#,
        ),
        (
            r#""{\"said\":\"{\\\"token\\\":\\\"hunter22\\\"}\"}""#,
            r#""{\"said\":\"{\\\"token\\\":\\\"[masked]\\\"}\"}""#,
        ),
        (
            r"x\nREDIS_PASSWORD=hunter22\ny",
            r"x\nREDIS_PASSWORD=[masked]\ny",
        ),
        (
            "redis://aanf:hun/t@er22@store:6379/0",
            "redis://[masked]@store:6379/0",
        ),
        (
            "redis://user:hunter22@host:6379,img=repo/x@sha256:0f4d3f2a1b0c9e8d",
            "redis://[masked]@host:6379,img=repo/x@sha256:0f4d3f2a1b0c9e8d",
        ),
        (
            "https://user:hun@ter22@registry/x@sha256:0f4d3f2a1b0c9e8d",
            "https://[masked]@registry/x@sha256:0f4d3f2a1b0c9e8d",
        ),
        (
            "https://registry/x@sha256:0f4d,https://registry/y@sha256:1f4d",
            "https://registry/x@sha256:0f4d,https://registry/y@sha256:1f4d",
        ),
        (
            "user aanf on >hunter22 #0a ~aanf:*",
            "user aanf on [masked] ~aanf:*",
        ),
        ("Cookie: a=b; c=d", "Cookie: [masked]"),
        ("msisdn=88200000001", "msisdn=[masked]"),
        ("\"imsi\": \"262011234\"", "\"imsi\": \"[masked]\""),
        ("call +491701234567 now", "call [masked] now"),
        ("465b5ce8 b199b49f aa5f0a2e e238a6bc", "[masked]"),
    ] {
        assert_eq!(redact(text), masked);
    }
}

#[test]
fn a_document_is_masked_by_its_structure() {
    let mut document = json!({
        "env": [
            { "name": "REDIS_URL", "value": "x" },
            { "name": "GREETING", "value": "good morning" },
            { "name": "BERTH__TELEMETRY__LOG_FILTER", "value": "info" },
            { "name": "BERTH__STORE__VAULT__PASSWORD", "value": "hunter22" },
            { "name": "POD_IP", "valueFrom": { "fieldRef": { "fieldPath": "status.podIP" } } },
            { "name": "P", "valueFrom": { "secretKeyRef": { "name": "berth-store", "key": "password" } } },
        ],
        "args": ["ausf", "--requirepass", "hunter22", "--port", "6379"],
        "volumes": [{ "secret": { "secretName": "berth-ca", "defaultMode": 288 } }],
        "automountServiceAccountToken": false,
        "data": { "berth.toml": "listen = \"[::]:8443\"\npassword = \"hunter22\"\n" },
        "binaryData": { "any": "aHVudGVyMjI=" },
        "token": 22, "password": ["hunter22"], "msisdn": 88_200_000_001_u64, "containerPort": 8443,
        "who imsi-001010000000042": "imsi-001010000000042",
    });
    Redactor::new().unwrap().redact_json(&mut document);
    let expected = json!({
        "env": [
            { "name": "REDIS_URL", "value": MASKED },
            { "name": "GREETING", "value": MASKED },
            { "name": "BERTH__TELEMETRY__LOG_FILTER", "value": "info" },
            { "name": "BERTH__STORE__VAULT__PASSWORD", "value": MASKED },
            { "name": "POD_IP", "valueFrom": { "fieldRef": { "fieldPath": "status.podIP" } } },
            { "name": "P", "valueFrom": { "secretKeyRef": { "name": "berth-store", "key": "password" } } },
        ],
        "args": ["ausf", "--requirepass", MASKED, "--port", "6379"],
        "volumes": [{ "secret": { "secretName": "berth-ca", "defaultMode": 288 } }],
        "automountServiceAccountToken": false,
        "data": { "berth.toml": "listen = \"[::]:8443\"\npassword = \"[masked]\"\n" },
        "binaryData": { "any": MASKED },
        "token": MASKED, "password": [MASKED], "msisdn": MASKED, "containerPort": 8443,
        "who imsi-00101…042": "imsi-00101…042",
    });
    assert_eq!(document, expected);
}

#[test]
fn the_name_of_every_rpc_stays() {
    for rule in nf_api::authorization::TABLE {
        let series = format!(
            "berth_rpc_total{{rpc=\"{}\"}} 4",
            rule.path.trim_start_matches('/')
        );
        assert_eq!(redact(&series), series);
    }
}

#[test]
fn a_random_key_is_masked_in_every_form() {
    use data_encoding::{BASE32_NOPAD, BASE64, BASE64URL_NOPAD, HEXLOWER, HEXUPPER};
    let redactor = Redactor::new().unwrap();
    for seed in 0..500 {
        let random = nf_runtime::random::Random::seeded(seed);
        for key in [&random.array::<16>()[..], &random.array::<32>()[..]] {
            for form in [
                HEXLOWER.encode(key),
                HEXUPPER.encode(key),
                BASE32_NOPAD.encode(key),
                BASE64.encode(key),
                BASE64URL_NOPAD.encode(key),
                format!("{key:?}"),
                key.escape_ascii().to_string(),
            ] {
                let masked = redactor.redact(format!("key=\"{form}\" next").as_bytes());
                assert!(
                    masked.contains(MASKED) && !masked.contains(&form),
                    "seed {seed}: {form} gives {masked}"
                );
                assert!(masked.ends_with(" next"), "seed {seed}: {masked}");
            }
        }
    }
}

#[test]
fn what_helps_to_understand_stays() {
    for text in [
        "berth-subscription-manager-7d9c8b6f5c-x2k9p",
        "/var/run/secrets/kubernetes.io/serviceaccount",
        "spiffe://berth.test/nf/configuration-management",
        "berth_store_operation_duration_seconds_bucket{le=\"0.001\"} 42",
        "{code=\"STORE_UNAVAILABLE\"} 3",
        "password_file = \"/etc/berth/store/password\"",
        "secretName: berth-ca, automountServiceAccountToken: false",
        "\"secret\": {\"secretName\": \"berth-ca\"}, \"token\": null",
        "secret berth-ca made; the token has another form than a token",
        "docker-pullable://localhost:5000/berth@sha256:0f4d3f2a1b0c9e8d7c6b5a4f3e2d1c0b9a8f7e6d5c4b3a2f1e0d9c8b7a6f5e4d",
        "2001:0db8:0000:0000:0000:0000:0000:0001",
        "\"trace_id\":\"4bf92f3577b34da6a3ce929d0e0e4736\"",
        "image@sha256:0f4d3f2a1b0c9e8d7c6b5a4f3e2d1c0b9a8f7e6d5c4b3a2f1e0d9c8b7a6f5e4d",
        "10.98.0.2:6443 at 1763728000123 after 1763728000123456789 ns",
        "\"uid\": \"0c2f1f34-5d1a-4f0e-9a51-2f6f1f0b7a11\"",
        "CertificateFetcherServiceClient PodReadyToStartContainers",
        "storage.kubernetes.io/selected-node volume.beta.kubernetes.io/storage-provisioner",
    ] {
        assert_eq!(redact(text), text);
    }
}

//! Certificate URLs: what may be fetched at all.

use cause::Cause;
use onboarding::certificate_url::{CertificateUrl, CertificateUrlError, DeviceSerial, UrlPrefix};

const PORTS: &[u16] = &[8443];

fn parse(text: &str) -> Result<CertificateUrl, CertificateUrlError> {
    CertificateUrl::parse(text, PORTS)
}

#[test]
fn a_url_has_one_form() {
    for (text, form) in [
        (
            "https://ca.example/DeviceID=BAND-4711",
            "https://ca.example/DeviceID=BAND-4711",
        ),
        (
            "ca.example/DeviceID=BAND-4711",
            "https://ca.example/DeviceID=BAND-4711",
        ),
        (
            "HTTPS://CA.Example/DeviceID=BAND-4711",
            "https://ca.example/DeviceID=BAND-4711",
        ),
        ("https://ca.example:443/x", "https://ca.example/x"),
        ("ca.example:8443/x", "https://ca.example:8443/x"),
        ("localhost:8443/x", "https://localhost:8443/x"),
        ("https://ca.example", "https://ca.example/"),
        (
            "https://ca.example?DeviceID=4711",
            "https://ca.example/?DeviceID=4711",
        ),
        (
            "ca.example/get?u=http://x",
            "https://ca.example/get?u=http://x",
        ),
        ("https://ca.example/a%20b/", "https://ca.example/a%20b/"),
    ] {
        assert_eq!(
            parse(text).map(|url| url.to_text()).as_deref(),
            Ok(form),
            "{text}"
        );
    }
    let url = parse("https://ca.example:8443/get?DeviceID=4711").unwrap();
    assert_eq!((url.host(), url.port()), ("ca.example", 8443));
    assert_eq!(url.path_and_query(), "/get?DeviceID=4711");
}

#[test]
fn whatever_parsers_may_disagree_on_is_refused() {
    use CertificateUrlError::{
        Character, Fragment, Host, Length, Path, Port, Scheme, UserInformation,
    };
    let long = format!("https://ca.example/{}", "a".repeat(512));
    let cases = [
        ("http://ca.example/x", Scheme),
        ("ftp://ca.example/x", Scheme),
        ("://ca.example/x", Scheme),
        ("https://user@ca.example/x", UserInformation),
        ("https://user:word@ca.example/x", UserInformation),
        ("https://ca.example#x", Fragment),
        ("https://ca.example/x#", Fragment),
        ("https://127.0.0.1/x", Host),
        ("https://2130706433/x", Host),
        ("https://0x7f.1/x", Host),
        ("https://0x7f000001/x", Host),
        ("https://0177.0.0.1/x", Host),
        ("https://127.1/x", Host),
        ("https://ca.0x/x", Host),
        ("https://ca.example./x", Host),
        ("https://.example/x", Host),
        ("https://ca..example/x", Host),
        ("https://-ca.example/x", Host),
        ("https://ca_1.example/x", Host),
        ("https://ca%2eexample/x", Host),
        ("https:///x", Host),
        ("", Host),
        ("/x", Host),
        ("https://[::1]/x", Character),
        ("https://[::ffff:127.0.0.1]/x", Character),
        ("https:\\\\ca.example/x", Character),
        ("https://ca.example\\@evil/x", Character),
        ("https://ca.example/ü", Character),
        ("https://ca.example/a b", Character),
        ("https://ca.example/a\n", Character),
        (" https://ca.example/a", Character),
        ("https://ca.example/<x>", Character),
        ("https://ca.example:/x", Port),
        ("https://ca.example:80/x", Port),
        ("https://ca.example:08443/x", Port),
        ("https://ca.example:+443/x", Port),
        ("https://ca.example:65979/x", Port),
        ("https://ca.example:8443:8443/x", Port),
        ("javascript:alert/x", Port),
        ("https://ca.example/a/../b", Path),
        ("https://ca.example/./b", Path),
        ("https://ca.example/..", Path),
        ("https://ca.example/%2e%2e/b", Path),
        ("https://ca.example/a%2Fb", Path),
        ("https://ca.example/a%5cb", Path),
        ("https://ca.example/a%00b", Path),
        ("https://ca.example/a%252e", Path),
        ("https://ca.example/a%2", Path),
        ("https://ca.example/a%zz", Path),
        ("https://ca.example/a?b=%g0", Path),
        ("https://ca.example//b", Path),
        ("https://ca.example/a//b", Path),
        (long.as_str(), Length),
    ];
    for (text, error) in cases {
        assert_eq!(parse(text).err(), Some(error), "{text}");
        assert_eq!(error.cause(), Cause::UnknownManufacturer);
    }
}

#[test]
fn five_hundred_and_twelve_octets_are_not_too_long() {
    let text = format!("https://ca.example/{}", "a".repeat(512 - 19));
    assert_eq!(text.len(), 512);
    assert!(parse(&text).is_ok());
    assert!(parse(text.strip_prefix("https://").unwrap()).is_ok());
    assert_eq!(
        parse(&format!("{text}a")).err(),
        Some(CertificateUrlError::Length)
    );
}

#[test]
fn prefixes_match_by_host_port_and_segment() {
    for (prefix, url, matches) in [
        ("https://ca.example/", "ca.example/DeviceID=4711", true),
        ("https://ca.example", "ca.example/a/b?c", true),
        (
            "https://ca.example/devices",
            "ca.example/devices/DeviceID=4711",
            true,
        ),
        ("https://ca.example/devices", "ca.example/devices", true),
        (
            "https://ca.example/devices",
            "ca.example/devices?DeviceID=4711",
            true,
        ),
        (
            "https://ca.example/devices",
            "ca.example/devices-of-others/x",
            false,
        ),
        ("https://ca.example/devices/", "ca.example/devices", false),
        (
            "https://ca.example/DeviceID=",
            "ca.example/DeviceID=4711",
            true,
        ),
        (
            "https://localhost:8443/DeviceID=",
            "localhost:8443/DeviceID=4711",
            true,
        ),
        (
            "https://localhost:8443/DeviceID=",
            "localhost/DeviceID=4711",
            false,
        ),
        (
            "https://ca.example/DeviceID=",
            "ca.example/deviceid=4711",
            false,
        ),
        (
            "https://ca.example/",
            "ca.example.evil/DeviceID=4711",
            false,
        ),
        (
            "https://ca.example/",
            "evil-ca.example/DeviceID=4711",
            false,
        ),
        ("https://ca.example/", "sub.ca.example/DeviceID=4711", false),
        ("https://CA.example/", "ca.EXAMPLE/x", true),
        (
            "https://ca.example/get?DeviceID=",
            "ca.example/get?DeviceID=4711",
            true,
        ),
        (
            "https://ca.example/get?DeviceID=",
            "ca.example/got?DeviceID=4711",
            false,
        ),
        (
            "https://ca.example/get?DeviceID=",
            "ca.example/get?x&DeviceID=4711",
            false,
        ),
        ("https://ca.example/get?DeviceID=", "ca.example/get", false),
        ("https://ca.example/get?a", "ca.example/get?ab", false),
        ("https://ca.example/get?a", "ca.example/get?a", true),
    ] {
        let prefix = UrlPrefix::parse(prefix, PORTS).unwrap();
        assert_eq!(
            prefix.matches(&parse(url).unwrap()),
            matches,
            "{prefix:?} {url}"
        );
    }
    assert!(UrlPrefix::parse("http://ca.example/", PORTS).is_err());
    assert!(UrlPrefix::parse("https://10.0.0.1/", PORTS).is_err());
}

#[test]
fn a_url_names_exactly_one_device() {
    for (url, serial) in [
        ("ca.example/DeviceID=BAND-4711", Some("BAND-4711")),
        ("ca.example/a/DeviceID=4711/certificate", Some("4711")),
        ("ca.example/get?x=1&DeviceID=4711&y", Some("4711")),
        ("ca.example/DeviceID=471", None),
        ("ca.example/DeviceID=", None),
        ("ca.example/DeviceID=4711_", None),
        ("ca.example/DeviceID=4711%20", None),
        ("ca.example/DeviceID=4711/DeviceID=4712", None),
        ("ca.example/DeviceID=4711?DeviceID=4711", None),
        ("ca.example/xDeviceID=4711", None),
        ("ca.example/deviceid=4711", None),
        ("ca.example/4711", None),
    ] {
        let found = parse(url).unwrap().device_serial();
        match serial {
            Some(serial) => assert_eq!(found.unwrap().as_str(), serial),
            None => {
                assert_eq!(found, Err(CertificateUrlError::DeviceId), "{url}");
                assert_eq!(
                    CertificateUrlError::DeviceId.cause(),
                    Cause::DeviceIdentityMismatch
                );
            }
        }
    }
    assert!(DeviceSerial::parse(&"a".repeat(64)).is_ok());
    assert!(DeviceSerial::parse(&"a".repeat(65)).is_err());
}

#[test]
fn urls_and_serials_are_printed_in_part() {
    let url = parse("ca.example/DeviceID=BAND-4711").unwrap();
    assert_eq!(
        format!("{url:?}"),
        "CertificateUrl(https://ca.example:443/…)"
    );
    let serial = url.device_serial().unwrap();
    assert_eq!(format!("{serial:?}"), "DeviceSerial(…11)");
}

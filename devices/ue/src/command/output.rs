//! How results look.

use std::error::Error;
use std::fmt::Write as _;
use std::io::Write;

use data_encoding::HEXLOWER;
use jiff::Timestamp;
use serde_json::{Value, json};
use ue::{CipherSuite, Received, ReceivedKind, UeError};

/// How a command ended.
pub(crate) struct Outcome {
    code: u8,
    /// For stdout with `--json`.
    json: Option<Value>,
    /// For stdout without.
    text: String,
    /// For stderr.
    talk: String,
}

impl Outcome {
    /// It is done.
    pub(crate) const fn done(json: Value, text: String) -> Self {
        Self {
            code: 0,
            json: Some(json),
            text,
            talk: String::new(),
        }
    }

    /// It is done, and has printed what there was to print.
    pub(crate) const fn quiet() -> Self {
        Self {
            code: 0,
            json: None,
            text: String::new(),
            talk: String::new(),
        }
    }

    /// Nothing came.
    pub(crate) fn nothing_received() -> Self {
        Self {
            code: NOTHING_RECEIVED,
            talk: "error: nothing was received in time\ntry: a longer --timeout\n".to_owned(),
            ..Self::quiet()
        }
    }

    /// The device or the network says no.
    pub(crate) fn refused(error: &UeError) -> Self {
        let talk = format!(
            "error: {} [{}]\ntry: {}\n",
            chain(error),
            error.cause().name(),
            error.advice()
        );
        Self {
            code: error.exit_code(),
            talk,
            ..Self::quiet()
        }
    }

    /// The program could not even begin.
    pub(crate) fn failed(error: &dyn Error) -> Self {
        Self {
            code: 1,
            talk: format!("error: {}\ntry: again\n", chain(error)),
            ..Self::quiet()
        }
    }

    /// Prints it and answers the exit code.
    pub(crate) fn print(&self, json: bool, data: &mut dyn Write, talk: &mut dyn Write) -> u8 {
        let printed = match &self.json {
            Some(value) if json => writeln!(data, "{value:#}"),
            _ => write!(data, "{}", self.text),
        };
        // A closed stderr changes nothing about the outcome.
        let _ = write!(talk, "{}", self.talk);
        if printed.is_err() && self.code == 0 {
            1
        } else {
            self.code
        }
    }
}

/// Name and value, one a line; what has no value is left out.
pub(crate) fn lines(rows: &[(&str, Option<&str>)]) -> String {
    let mut text = String::new();
    for (name, value) in rows {
        if let Some(value) = value {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{name}: {value}");
        }
    }
    text
}

/// A message, as one line.
pub(crate) fn message(message: &Received, json: bool) -> String {
    let report = match message.kind {
        ReceivedKind::Message => None,
        ReceivedKind::Report { delivered } => Some(delivered),
    };
    if json {
        let text = std::str::from_utf8(&message.payload).ok();
        return json!({
            "kind": if report.is_some() { "report" } else { "message" },
            "message_id": message.message_id,
            "from": message.from,
            "application_id": message.application_id,
            "text": text,
            "payload": hex(&message.payload),
            "delivered": report,
        })
        .to_string();
    }
    match report {
        None => format!("{}: {}", message.from, printable(&message.text())),
        Some(true) => format!("{}: received {}", message.from, message.message_id),
        Some(false) => format!("{}: did not receive {}", message.from, message.message_id),
    }
}

/// A stranger's text must not steer the terminal.
fn printable(text: &str) -> String {
    text.chars()
        .map(|c| {
            if c.is_control() && c != '\n' && c != '\t' {
                '\u{fffd}'
            } else {
                c
            }
        })
        .collect()
}

/// Seconds since 1970 as RFC 3339.
pub(crate) fn time(seconds: u64) -> String {
    let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
    Timestamp::from_second(seconds)
        .unwrap_or(Timestamp::MAX)
        .to_string()
}

pub(crate) fn hex(octets: &[u8]) -> String {
    HEXLOWER.encode(octets)
}

/// The registered name of a suite.
pub(crate) const fn suite(suite: CipherSuite) -> &'static str {
    match suite {
        CipherSuite::PskAes128Ccm8 => "TLS_PSK_WITH_AES_128_CCM_8",
        CipherSuite::PskAes128GcmSha256 => "TLS_PSK_WITH_AES_128_GCM_SHA256",
    }
}

fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut below = error.source();
    while let Some(error) = below {
        // Writing to a String cannot fail.
        let _ = write!(text, ": {error}");
        below = error.source();
    }
    text
}

const NOTHING_RECEIVED: u8 = 9;

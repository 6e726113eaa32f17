//! What the server pushes: kept on disk before it is acknowledged.

use std::sync::Arc;
use std::time::Duration;

use coap::{Code, Response};
use coap_tokio::{Handler, Incoming, Session};
use msgin5g::URI_PATH;
use msgin5g::client::{Client as Msgin5gClient, Pushed};
use msgin5g::messages::ReportStatus;
use msgin5g::values::Endpoint;
use tokio::sync::Notify;
use tracing::warn;

use super::{Received, ReceivedKind};
use crate::agent::unix_ms;
use crate::state::{Inbox, InboxMessage, StateError};

/// What the server pushes.
pub(super) struct Pushes {
    pub(super) msgin5g: Msgin5gClient,
    pub(super) inbox: Inbox,
    pub(super) news: Arc<Notify>,
}

impl Handler<()> for Pushes {
    async fn request(&self, _: Session<()>, incoming: Incoming<()>) -> Response {
        let request = incoming.request;
        if request.path().trim_matches('/') != URI_PATH {
            return Response::new(Code::NOT_FOUND);
        }
        if request.method != coap::Method::Post {
            return Response::new(Code::METHOD_NOT_ALLOWED);
        }
        let format = request.content_format().map(|format| format.0);
        let kept = match self.msgin5g.receive(format, &request.payload) {
            Ok(pushed) => keep(&self.inbox, pushed),
            Err(error) => return Response::new(Code::from_byte(error.cause().coap())),
        };
        match kept {
            Ok(()) => {
                self.news.notify_one();
                Response::new(Code::CHANGED)
            }
            Err(error) => {
                warn!(cause = error.cause().name(), "message not kept");
                Response::retry_later(Code::SERVICE_UNAVAILABLE, Duration::from_secs(60))
            }
        }
    }
}

/// Writes what was pushed to disk; after that it may be acknowledged.
fn keep(inbox: &Inbox, pushed: Pushed) -> Result<(), StateError> {
    let message = match pushed {
        Pushed::Message(message) => InboxMessage {
            message_id: message.message_id.as_str().to_owned(),
            from: name_of(&message.originator).to_owned(),
            kind: MESSAGE.to_owned(),
            report_wanted: message.delivery_status_required,
            payload: message
                .payload
                .map(|payload| payload.as_bytes().to_vec())
                .unwrap_or_default(),
            application_id: message.application_id.map(|id| id.as_str().to_owned()),
            delivered: None,
            received_at_ms: unix_ms(),
        },
        Pushed::DeliveryReport(report) => InboxMessage {
            message_id: report.message_id.as_str().to_owned(),
            from: name_of(&report.originator).to_owned(),
            kind: REPORT_KIND.to_owned(),
            report_wanted: false,
            payload: Vec::new(),
            application_id: None,
            delivered: Some(report.status == ReportStatus::Delivered),
            received_at_ms: unix_ms(),
        },
        // A late word of the server on a message: nobody waits for it any more.
        Pushed::MessageResponse(_) => return Ok(()),
    };
    inbox.keep(&message)
}

fn name_of(endpoint: &Endpoint) -> &str {
    match endpoint {
        Endpoint::Ue(ue) => ue.as_str(),
        Endpoint::As(server) => server.as_str(),
    }
}

pub(super) fn read(message: InboxMessage) -> Received {
    Received {
        kind: match message.delivered {
            Some(delivered) => ReceivedKind::Report { delivered },
            None => ReceivedKind::Message,
        },
        message_id: message.message_id,
        from: message.from,
        application_id: message.application_id,
        payload: message.payload,
        received_at_ms: message.received_at_ms,
    }
}

const MESSAGE: &str = "message";
const REPORT_KIND: &str = "report";

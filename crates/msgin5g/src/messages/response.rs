//! MSGRESP. Source: TS 23.554 8.3.3, TS 29.538 (MessageDeliveryAck).

use super::{MessageType, begin, failure_cause, message_id, message_type, put_failure_cause};
use crate::elements::Element;
use crate::error::DecodeError;
use crate::json::Object;
use crate::values::{FailureCause, MessageId, ServiceIdentifier, by_name};
use alloc::vec::Vec;
use cause::Cause;

/// MSGRESP: what the server did with a message. It is the body of the answer to MSG and IMDN, and may come as a POST.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageResponse {
    /// The message answered.
    pub message_id: MessageId,
    /// What became of it.
    pub status: MessageStatus,
}

/// What the server did with a message. `Choice:` no Delivery Status means accepted; TS 29.538 names the other two.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MessageStatus {
    /// The server has taken the message over.
    Accepted,
    /// The recipient is absent; the message waits for it.
    Stored,
    /// The message will not be delivered.
    Failed(Option<FailureCause>),
}

impl MessageResponse {
    /// Reads the body of an answer.
    ///
    /// # Errors
    /// Each [`DecodeError`] about form and elements.
    pub fn decode(content_format: Option<u16>, body: &[u8]) -> Result<Self, DecodeError> {
        let object = super::read_body(content_format, body)?;
        match message_type(&object)? {
            MessageType::MessageResponse => Self::read(&object),
            other => Err(DecodeError::MessageType(other)),
        }
    }

    pub(super) fn read(object: &Object) -> Result<Self, DecodeError> {
        let cause = failure_cause(object)?;
        let status = match object.text(Element::DeliveryStatus)? {
            None => MessageStatus::Accepted,
            Some(text) => by_name(&STATUS, text)
                .ok_or(DecodeError::Incorrect(Element::DeliveryStatus))
                .map(|stored| {
                    if stored {
                        MessageStatus::Stored
                    } else {
                        MessageStatus::Failed(cause)
                    }
                })?,
        };
        Ok(Self {
            message_id: message_id(object)?,
            status,
        })
    }

    /// Writes the body.
    #[must_use]
    pub fn encode(&self, service: &ServiceIdentifier) -> Vec<u8> {
        let mut object = begin(service, MessageType::MessageResponse);
        object.put_text(Element::MessageId, self.message_id.as_str());
        match &self.status {
            MessageStatus::Accepted => {}
            MessageStatus::Stored => {
                object.put_text(Element::DeliveryStatus, STORED);
            }
            MessageStatus::Failed(cause) => {
                object.put_text(Element::DeliveryStatus, FAILED);
                put_failure_cause(&mut object, cause.as_ref());
            }
        }
        object.to_bytes()
    }
}

/// Writes the body of a refusal of which no more is known than its cause, such as one of an unreadable request.
#[must_use]
pub fn failure_body(cause: Cause) -> Vec<u8> {
    let mut object = Object::default();
    put_failure_cause(&mut object, Some(&cause.into()));
    object.to_bytes()
}

/// Reads the cause out of any refusal's body; a body that cannot be read has none.
pub(crate) fn response_refusal(content_format: Option<u16>, body: &[u8]) -> Option<FailureCause> {
    let object = super::read_body(content_format, body).ok()?;
    failure_cause(&object).ok().flatten()
}

const STORED: &str = "DELY_STORED";
const FAILED: &str = "DELY_FAILED";
/// True is stored; the short words are those of the results of a registration.
const STATUS: [(&str, bool); 4] = [
    (STORED, true),
    (FAILED, false),
    ("stored", true),
    ("failure", false),
];

//! IMDN, the delivery status report. Source: TS 23.554 8.3.4, TS 29.538 (DeliveryStatusReport).

use super::{
    MessageType, begin, endpoint, failure_cause, message_id, put_endpoint, put_failure_cause,
};
use crate::elements::Element;
use crate::error::DecodeError;
use crate::json::Object;
use crate::values::{Endpoint, FailureCause, MessageId, ServiceIdentifier, by_name};
use alloc::vec::Vec;

/// IMDN: the recipient of a message, or the server for it, reports to the sender.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryReport {
    /// Who reports: the recipient of the message.
    pub originator: Endpoint,
    /// To whom: the sender of the message.
    pub recipient: Endpoint,
    /// The message reported on.
    pub message_id: MessageId,
    /// What became of it.
    pub status: ReportStatus,
}

/// Outcome of a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReportStatus {
    /// The message reached its recipient.
    Delivered,
    /// It did not.
    Failed(Option<FailureCause>),
}

impl DeliveryReport {
    pub(super) fn read(object: &Object) -> Result<Self, DecodeError> {
        let delivered = by_name(&STATUS, object.required_text(Element::DeliveryStatus)?)
            .ok_or(DecodeError::Incorrect(Element::DeliveryStatus))?;
        let cause = failure_cause(object)?;
        Ok(Self {
            originator: endpoint(
                object,
                Element::OriginatingUeServiceId,
                Element::OriginatingAsServiceId,
            )?,
            recipient: endpoint(
                object,
                Element::RecipientUeServiceId,
                Element::RecipientAsServiceId,
            )?,
            message_id: message_id(object)?,
            status: if delivered {
                ReportStatus::Delivered
            } else {
                ReportStatus::Failed(cause)
            },
        })
    }

    /// Writes the body of the POST.
    #[must_use]
    pub fn encode(&self, service: &ServiceIdentifier) -> Vec<u8> {
        let mut object = begin(service, MessageType::DeliveryReport);
        put_endpoint(
            &mut object,
            &self.originator,
            Element::OriginatingUeServiceId,
            Element::OriginatingAsServiceId,
        );
        put_endpoint(
            &mut object,
            &self.recipient,
            Element::RecipientUeServiceId,
            Element::RecipientAsServiceId,
        );
        object.put_text(Element::MessageId, self.message_id.as_str());
        match &self.status {
            ReportStatus::Delivered => {
                object.put_text(Element::DeliveryStatus, DELIVERED);
            }
            ReportStatus::Failed(cause) => {
                object.put_text(Element::DeliveryStatus, FAILED);
                put_failure_cause(&mut object, cause.as_ref());
            }
        }
        object.to_bytes()
    }
}

const DELIVERED: &str = "REPT_DELY_SUCCESS";
const FAILED: &str = "REPT_DELY_FAILED";
/// True is delivered; the short words are those of the results of a registration.
const STATUS: [(&str, bool); 4] = [
    (DELIVERED, true),
    (FAILED, false),
    ("success", true),
    ("failure", false),
];

//! The messages of MSGin5G-1: requests, answers, and their JSON bodies.
//!
//! Every `encode` emits the literal element names in a fixed order. Every bound of the values is such that a body stays
//! below [`crate::MAX_BODY_BYTES`], so encoding cannot fail.

mod message;
mod registration;
mod report;
mod response;

pub use message::Message;
pub use registration::{
    DeregistrationAnswer, DeregistrationRequest, RegistrationAnswer, RegistrationOutcome,
    RegistrationRequest,
};
pub use report::{DeliveryReport, ReportStatus};
pub(crate) use response::response_refusal;
pub use response::{MessageResponse, MessageStatus, failure_body};

use crate::elements::Element;
use crate::error::DecodeError;
use crate::json::{Object, Value};
use crate::values::{AsServiceId, Endpoint, FailureCause, MessageId, ServiceIdentifier};
use crate::{CONTENT_FORMAT_JSON, values};
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;
use identifiers::UeServiceId;

/// The kinds of message. Source: TS 24.538 7.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MessageType {
    /// Registration.
    Registration,
    /// De-registration.
    Deregistration,
    /// A message.
    Message,
    /// Answer to a message.
    MessageResponse,
    /// Delivery status report.
    DeliveryReport,
    /// Asks for missing segments.
    SegmentRecovery,
    /// Says that all segments arrived.
    SegmentConfirmation,
}

impl MessageType {
    const TABLE: [(&'static str, Self); 7] = [
        ("REG", Self::Registration),
        ("DEREG", Self::Deregistration),
        ("MSG", Self::Message),
        ("MSGRESP", Self::MessageResponse),
        ("IMDN", Self::DeliveryReport),
        ("SEGREC", Self::SegmentRecovery),
        ("SEGCONFIR", Self::SegmentConfirmation),
    ];

    /// Returns the value of the element `Message Type`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Registration => "REG",
            Self::Deregistration => "DEREG",
            Self::Message => "MSG",
            Self::MessageResponse => "MSGRESP",
            Self::DeliveryReport => "IMDN",
            Self::SegmentRecovery => "SEGREC",
            Self::SegmentConfirmation => "SEGCONFIR",
        }
    }
}

impl fmt::Display for MessageType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A POST of MSGin5G, in either direction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// REG.
    Registration(Box<RegistrationRequest>),
    /// DEREG.
    Deregistration(DeregistrationRequest),
    /// MSG.
    Message(Box<Message>),
    /// MSGRESP that comes later than the answer it belongs to.
    MessageResponse(MessageResponse),
    /// IMDN.
    DeliveryReport(DeliveryReport),
}

impl Request {
    /// Recognises and reads a POST by its service identifier and Message Type.
    ///
    /// `content_format` is the value of the CoAP option, `None` where it is absent; `body` is the whole payload.
    ///
    /// # Errors
    /// Each [`DecodeError`]; the type [`DecodeError::MessageType`] for SEGREC and SEGCONFIR.
    ///
    /// Source: TS 24.538 6.3.1.2.1 and 6.3.1.2.2 (first sentence of each), 7.1.
    pub fn decode(
        service: &ServiceIdentifier,
        content_format: Option<u16>,
        body: &[u8],
    ) -> Result<Self, DecodeError> {
        let object = read_body(content_format, body)?;
        if !service.matches(object.required_text(Element::ServiceIdentifier)?) {
            return Err(DecodeError::OtherService);
        }
        match message_type(&object)? {
            MessageType::Registration => Ok(Self::Registration(Box::new(
                RegistrationRequest::read(&object)?,
            ))),
            MessageType::Deregistration => {
                DeregistrationRequest::read(&object).map(Self::Deregistration)
            }
            MessageType::Message => Ok(Self::Message(Box::new(Message::read(&object)?))),
            MessageType::MessageResponse => {
                MessageResponse::read(&object).map(Self::MessageResponse)
            }
            MessageType::DeliveryReport => DeliveryReport::read(&object).map(Self::DeliveryReport),
            other => Err(DecodeError::MessageType(other)),
        }
    }

    /// Writes the body of the POST.
    #[must_use]
    pub fn encode(&self, service: &ServiceIdentifier) -> Vec<u8> {
        match self {
            Self::Registration(request) => request.encode(service),
            Self::Deregistration(request) => request.encode(service),
            Self::Message(message) => message.encode(service),
            Self::MessageResponse(response) => response.encode(service),
            Self::DeliveryReport(report) => report.encode(service),
        }
    }

    /// Returns the kind of message.
    #[must_use]
    pub const fn message_type(&self) -> MessageType {
        match self {
            Self::Registration(_) => MessageType::Registration,
            Self::Deregistration(_) => MessageType::Deregistration,
            Self::Message(_) => MessageType::Message,
            Self::MessageResponse(_) => MessageType::MessageResponse,
            Self::DeliveryReport(_) => MessageType::DeliveryReport,
        }
    }
}

fn read_body(content_format: Option<u16>, body: &[u8]) -> Result<Object, DecodeError> {
    if content_format != Some(CONTENT_FORMAT_JSON) {
        return Err(DecodeError::ContentFormat);
    }
    Object::parse(body)
}

fn message_type(object: &Object) -> Result<MessageType, DecodeError> {
    let text = object.required_text(Element::MessageType)?;
    values::by_name(&MessageType::TABLE, text).ok_or(DecodeError::Incorrect(Element::MessageType))
}

/// Begins a body that names the service and the kind of message.
fn begin(service: &ServiceIdentifier, kind: MessageType) -> Object {
    let mut object = Object::default();
    object
        .put_text(Element::ServiceIdentifier, service.as_str())
        .put_text(Element::MessageType, kind.name());
    object
}

fn ue_service_id(object: &Object, element: Element) -> Result<Option<UeServiceId>, DecodeError> {
    object
        .text(element)?
        .map(|text| UeServiceId::parse(text).map_err(|_| DecodeError::Incorrect(element)))
        .transpose()
}

fn required_ue_service_id(object: &Object) -> Result<UeServiceId, DecodeError> {
    ue_service_id(object, Element::UeServiceId)?.ok_or(DecodeError::Missing(Element::UeServiceId))
}

fn message_id(object: &Object) -> Result<MessageId, DecodeError> {
    MessageId::parse(object.required_text(Element::MessageId)?)
        .map_err(|_| DecodeError::Incorrect(Element::MessageId))
}

/// Reads a party that is either a UE or an application server; both at once are refused.
fn endpoint(object: &Object, ue: Element, server: Element) -> Result<Endpoint, DecodeError> {
    let application_server = object
        .text(server)?
        .map(|text| AsServiceId::parse(text).map_err(|_| DecodeError::Incorrect(server)))
        .transpose()?;
    match (ue_service_id(object, ue)?, application_server) {
        (Some(id), None) => Ok(Endpoint::Ue(id)),
        (None, Some(id)) => Ok(Endpoint::As(id)),
        (None, None) => Err(DecodeError::Missing(ue)),
        (Some(_), Some(_)) => Err(DecodeError::Incorrect(server)),
    }
}

fn put_endpoint(object: &mut Object, endpoint: &Endpoint, ue: Element, server: Element) {
    match endpoint {
        Endpoint::Ue(id) => object.put_text(ue, id.as_str()),
        Endpoint::As(id) => object.put_text(server, id.as_str()),
    };
}

fn failure_cause(object: &Object) -> Result<Option<FailureCause>, DecodeError> {
    object
        .text(Element::FailureCause)?
        .map(FailureCause::from_wire)
        .transpose()
}

fn put_failure_cause(object: &mut Object, cause: Option<&FailureCause>) {
    if let Some(cause) = cause {
        object.put(Element::FailureCause, Value::Text(cause.to_wire().into()));
    }
}

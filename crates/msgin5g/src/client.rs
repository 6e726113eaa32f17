//! The UE's side: builds requests, reads answers, takes pushed messages.
//!
//! Source: TS 24.538 6.3.1.1 and 6.4.

use crate::elements::Element;
use crate::error::DecodeError;
use crate::messages::{
    DeliveryReport, DeregistrationAnswer, DeregistrationRequest, Message, MessageResponse,
    MessageStatus, RegistrationAnswer, RegistrationOutcome, RegistrationRequest, ReportStatus,
    Request, response_refusal,
};
use crate::profile::ClientProfile;
use crate::time::Timestamp;
use crate::values::{Endpoint, FailureCause, MessageId, Recipient, ServiceIdentifier};
use crate::{CONTENT_FORMAT_JSON, URI_PATH, code};
use alloc::vec::Vec;
use cause::Cause;
use identifiers::UeServiceId;

/// A request of MSGin5G: always a confirmable POST (T is 0, TS 24.538 6.3.1.1.1 a)).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Post {
    /// The one Uri-Path segment.
    pub uri_path: &'static str,
    /// Value of the option Content-Format.
    pub content_format: u16,
    /// The payload.
    pub body: Vec<u8>,
}

impl Post {
    /// Code of the request.
    pub const CODE: u8 = code::POST;

    const fn new(body: Vec<u8>) -> Self {
        Self {
            uri_path: URI_PATH,
            content_format: CONTENT_FORMAT_JSON,
            body,
        }
    }
}

/// An answer as it came over CoAP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer<'a> {
    /// The code octet.
    pub code: u8,
    /// Value of the option Content-Format, `None` where it is absent.
    pub content_format: Option<u16>,
    /// The payload.
    pub body: &'a [u8],
}

/// Why the server did not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The CoAP code of the answer; a success code where only the body says failure.
    pub code: u8,
    /// The cause that the server states.
    pub cause: Option<FailureCause>,
}

/// Why an answer cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AnswerError {
    /// The server refused; not an error of the answer.
    #[error("server refused the request")]
    Refused(Refusal),
    /// The body of a success is not what it must be.
    #[error("body of the answer is not valid")]
    Body(#[from] DecodeError),
    /// The code is neither a success of this request nor a refusal.
    #[error("code of the answer is not one for this request")]
    Code(u8),
    /// The answer speaks of another UE endpoint or message.
    #[error("answer belongs to another request")]
    OtherRequest,
}

impl AnswerError {
    /// Returns the cause: the server's where it states one of the table.
    #[must_use]
    pub const fn cause(&self) -> Cause {
        match self {
            Self::Refused(Refusal {
                cause: Some(FailureCause::Known(cause)),
                ..
            }) => *cause,
            Self::Refused(_) => Cause::UpstreamFailure,
            Self::Body(error) => error.cause(),
            Self::Code(_) | Self::OtherRequest => Cause::MalformedMessage,
        }
    }
}

/// A registration as the client knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Registered {
    /// Whether the server had none before (2.01).
    pub new: bool,
    /// When it ends; the client refreshes before.
    pub expires: Option<Timestamp>,
}

/// The client of one UE Service ID.
#[derive(Debug, Clone)]
pub struct Client {
    service: ServiceIdentifier,
    ue_service_id: UeServiceId,
}

impl Client {
    /// Makes the client of `ue_service_id` for the given service.
    #[must_use]
    pub const fn new(service: ServiceIdentifier, ue_service_id: UeServiceId) -> Self {
        Self {
            service,
            ue_service_id,
        }
    }

    /// Returns the UE Service ID.
    #[must_use]
    pub const fn ue_service_id(&self) -> &UeServiceId {
        &self.ue_service_id
    }

    /// Builds REG; also refreshes.
    #[must_use]
    pub fn register(
        &self,
        profile: Option<ClientProfile>,
        requested_expiration: Option<Timestamp>,
    ) -> Post {
        let request = RegistrationRequest {
            ue_service_id: self.ue_service_id.clone(),
            profile,
            requested_expiration,
        };
        Post::new(request.encode(&self.service))
    }

    /// Reads the answer to REG.
    ///
    /// # Errors
    /// [`AnswerError`]; [`AnswerError::Refused`] is the server's no.
    pub fn read_registration(&self, answer: Answer<'_>) -> Result<Registered, AnswerError> {
        let new = match answer.code {
            code::CREATED => true,
            code::CHANGED => false,
            _ => return Err(answer.refusal()),
        };
        let body = RegistrationAnswer::decode(answer.content_format, answer.body)?;
        self.check_subject(&body.ue_service_id)?;
        match body.outcome {
            RegistrationOutcome::Success { expires } => Ok(Registered { new, expires }),
            RegistrationOutcome::Failure(cause) => Err(answer.refused(cause)),
        }
    }

    /// Builds DEREG.
    #[must_use]
    pub fn deregister(&self) -> Post {
        let request = DeregistrationRequest {
            ue_service_id: self.ue_service_id.clone(),
        };
        Post::new(request.encode(&self.service))
    }

    /// Reads the answer to DEREG.
    ///
    /// # Errors
    /// [`AnswerError`]; [`AnswerError::Refused`] is the server's no.
    pub fn read_deregistration(&self, answer: Answer<'_>) -> Result<(), AnswerError> {
        if answer.code != code::CHANGED {
            return Err(answer.refusal());
        }
        let body = DeregistrationAnswer::decode(answer.content_format, answer.body)?;
        self.check_subject(&body.ue_service_id)?;
        body.outcome.map_err(|cause| answer.refused(cause))
    }

    /// Starts a message of this client; optional elements are the caller's to fill in.
    #[must_use]
    pub fn message(&self, recipient: Recipient, message_id: MessageId) -> Message {
        Message::new(
            Endpoint::Ue(self.ue_service_id.clone()),
            recipient,
            message_id,
        )
    }

    /// Builds MSG.
    #[must_use]
    pub fn send(&self, message: &Message) -> Post {
        Post::new(message.encode(&self.service))
    }

    /// Builds IMDN for a message that was received; `None` where its sender wants no report.
    #[must_use]
    pub fn report(&self, received: &Message, status: ReportStatus) -> Option<Post> {
        received.delivery_status_required.then(|| {
            let report = DeliveryReport {
                originator: Endpoint::Ue(self.ue_service_id.clone()),
                recipient: received.originator.clone(),
                message_id: received.message_id.clone(),
                status,
            };
            Post::new(report.encode(&self.service))
        })
    }

    /// Reads the answer to MSG or IMDN with this Message ID: accepted, or stored for an absent recipient.
    ///
    /// An empty body of a success means accepted.
    ///
    /// # Errors
    /// [`AnswerError`]; [`AnswerError::Refused`] also where the code is a success and the status is failed.
    pub fn read_message_response(
        &self,
        message_id: &MessageId,
        answer: Answer<'_>,
    ) -> Result<MessageStatus, AnswerError> {
        if answer.code != code::CHANGED {
            return Err(answer.refusal());
        }
        if answer.body.is_empty() {
            return Ok(MessageStatus::Accepted);
        }
        let body = MessageResponse::decode(answer.content_format, answer.body)?;
        if body.message_id != *message_id {
            return Err(AnswerError::OtherRequest);
        }
        match body.status {
            MessageStatus::Failed(cause) => Err(answer.refused(cause)),
            status => Ok(status),
        }
    }

    /// Reads a POST that the server pushed; the client answers 2.04 with an empty body.
    ///
    /// # Errors
    /// Each [`DecodeError`]; answer with the code of its cause. REG and DEREG have no business at a client. A message or
    /// report to another UE is [`DecodeError::Incorrect`].
    pub fn receive(&self, content_format: Option<u16>, body: &[u8]) -> Result<Pushed, DecodeError> {
        match Request::decode(&self.service, content_format, body)? {
            Request::Message(message) => {
                if let Recipient::Ue(id) = &message.recipient {
                    self.check_addressee(id)?;
                }
                Ok(Pushed::Message(*message))
            }
            Request::DeliveryReport(report) => {
                if let Endpoint::Ue(id) = &report.recipient {
                    self.check_addressee(id)?;
                }
                Ok(Pushed::DeliveryReport(report))
            }
            Request::MessageResponse(response) => Ok(Pushed::MessageResponse(response)),
            other => Err(DecodeError::MessageType(other.message_type())),
        }
    }

    fn check_subject(&self, ue_service_id: &UeServiceId) -> Result<(), AnswerError> {
        if *ue_service_id == self.ue_service_id {
            Ok(())
        } else {
            Err(AnswerError::OtherRequest)
        }
    }

    fn check_addressee(&self, ue_service_id: &UeServiceId) -> Result<(), DecodeError> {
        if *ue_service_id == self.ue_service_id {
            Ok(())
        } else {
            Err(DecodeError::Incorrect(Element::RecipientUeServiceId))
        }
    }
}

/// What a server pushes to a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pushed {
    /// A message.
    Message(Message),
    /// A report on a message that this client sent.
    DeliveryReport(DeliveryReport),
    /// A late word on a message that this client sent.
    MessageResponse(MessageResponse),
}

impl Answer<'_> {
    /// Makes the error for an answer that is no success of its request.
    fn refusal(&self) -> AnswerError {
        if matches!(self.code >> 5, 4 | 5) {
            self.refused(response_refusal(self.content_format, self.body))
        } else {
            AnswerError::Code(self.code)
        }
    }

    const fn refused(&self, cause: Option<FailureCause>) -> AnswerError {
        AnswerError::Refused(Refusal {
            code: self.code,
            cause,
        })
    }
}

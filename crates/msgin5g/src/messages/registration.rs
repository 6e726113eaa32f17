//! REG and DEREG with their answers. Source: TS 24.538 6.3.1.

use super::{
    MessageType, begin, failure_cause, put_failure_cause, read_body, required_ue_service_id,
};
use crate::elements::Element;
use crate::error::DecodeError;
use crate::json::{Object, Value};
use crate::profile::ClientProfile;
use crate::time::Timestamp;
use crate::values::{FailureCause, ServiceIdentifier, by_name};
use alloc::vec::Vec;
use identifiers::UeServiceId;

/// REG: a UE endpoint registers, or refreshes its registration.
///
/// A credential element of older clients is an unknown name and thus ignored: the identity comes from the DTLS session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistrationRequest {
    /// The UE endpoint that registers.
    pub ue_service_id: UeServiceId,
    /// How the client can be reached.
    pub profile: Option<ClientProfile>,
    /// When the registration should end. `Choice:` mirrors `reqExprTime` of TS 29.538.
    pub requested_expiration: Option<Timestamp>,
}

impl RegistrationRequest {
    pub(super) fn read(object: &Object) -> Result<Self, DecodeError> {
        Ok(Self {
            ue_service_id: required_ue_service_id(object)?,
            profile: object
                .object(Element::ClientProfile)?
                .map(ClientProfile::read)
                .transpose()?,
            requested_expiration: time(object, Element::RequestedExpirationTime)?,
        })
    }

    /// Writes the body of the POST.
    #[must_use]
    pub fn encode(&self, service: &ServiceIdentifier) -> Vec<u8> {
        let mut object = begin(service, MessageType::Registration);
        object.put_text(Element::UeServiceId, self.ue_service_id.as_str());
        if let Some(profile) = &self.profile {
            object.put(Element::ClientProfile, Value::Object(profile.write()));
        }
        if let Some(time) = self.requested_expiration {
            object.put_text(Element::RequestedExpirationTime, &time.to_text());
        }
        object.to_bytes()
    }
}

/// DEREG: a UE endpoint ends its registration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeregistrationRequest {
    /// The UE endpoint.
    pub ue_service_id: UeServiceId,
}

impl DeregistrationRequest {
    pub(super) fn read(object: &Object) -> Result<Self, DecodeError> {
        Ok(Self {
            ue_service_id: required_ue_service_id(object)?,
        })
    }

    /// Writes the body of the POST.
    #[must_use]
    pub fn encode(&self, service: &ServiceIdentifier) -> Vec<u8> {
        let mut object = begin(service, MessageType::Deregistration);
        object.put_text(Element::UeServiceId, self.ue_service_id.as_str());
        object.to_bytes()
    }
}

/// Body of the answer to REG. Source: TS 24.538 6.3.1.2.1 b) 2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistrationAnswer {
    /// The UE endpoint that asked.
    pub ue_service_id: UeServiceId,
    /// What came of it.
    pub outcome: RegistrationOutcome,
}

/// Result of a registration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RegistrationOutcome {
    /// The UE endpoint is registered.
    Success {
        /// When the registration ends; a client refreshes before.
        expires: Option<Timestamp>,
    },
    /// It is not.
    Failure(Option<FailureCause>),
}

impl RegistrationAnswer {
    /// Reads the body of an answer.
    ///
    /// # Errors
    /// Each [`DecodeError`] about form and elements.
    pub fn decode(content_format: Option<u16>, body: &[u8]) -> Result<Self, DecodeError> {
        let object = read_body(content_format, body)?;
        let outcome = if result(&object, Element::RegistrationResult)? {
            RegistrationOutcome::Success {
                expires: time(&object, Element::RegistrationExpirationTime)?,
            }
        } else {
            RegistrationOutcome::Failure(failure_cause(&object)?)
        };
        Ok(Self {
            ue_service_id: required_ue_service_id(&object)?,
            outcome,
        })
    }

    /// Writes the body of the answer.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut object = Object::default();
        object.put_text(Element::UeServiceId, self.ue_service_id.as_str());
        match &self.outcome {
            RegistrationOutcome::Success { expires } => {
                object.put_text(Element::RegistrationResult, SUCCESS);
                if let Some(time) = expires {
                    object.put_text(Element::RegistrationExpirationTime, &time.to_text());
                }
            }
            RegistrationOutcome::Failure(cause) => {
                object.put_text(Element::RegistrationResult, FAILURE);
                put_failure_cause(&mut object, cause.as_ref());
            }
        }
        object.to_bytes()
    }
}

/// Body of the answer to DEREG. Source: TS 24.538 6.3.1.2.2 b) 3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeregistrationAnswer {
    /// The UE endpoint that asked.
    pub ue_service_id: UeServiceId,
    /// What came of it.
    pub outcome: Result<(), Option<FailureCause>>,
}

impl DeregistrationAnswer {
    /// Reads the body of an answer.
    ///
    /// # Errors
    /// Each [`DecodeError`] about form and elements.
    pub fn decode(content_format: Option<u16>, body: &[u8]) -> Result<Self, DecodeError> {
        let object = read_body(content_format, body)?;
        let outcome = if result(&object, Element::DeregistrationResult)? {
            Ok(())
        } else {
            Err(failure_cause(&object)?)
        };
        Ok(Self {
            ue_service_id: required_ue_service_id(&object)?,
            outcome,
        })
    }

    /// Writes the body of the answer.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut object = Object::default();
        object.put_text(Element::UeServiceId, self.ue_service_id.as_str());
        match &self.outcome {
            Ok(()) => {
                object.put_text(Element::DeregistrationResult, SUCCESS);
            }
            Err(cause) => {
                object.put_text(Element::DeregistrationResult, FAILURE);
                put_failure_cause(&mut object, cause.as_ref());
            }
        }
        object.to_bytes()
    }
}

fn time(object: &Object, element: Element) -> Result<Option<Timestamp>, DecodeError> {
    object
        .text(element)?
        .map(|text| Timestamp::parse(text).ok_or(DecodeError::Incorrect(element)))
        .transpose()
}

/// Reads a result; true is success.
fn result(object: &Object, element: Element) -> Result<bool, DecodeError> {
    by_name(
        &[(SUCCESS, true), (FAILURE, false)],
        object.required_text(element)?,
    )
    .ok_or(DecodeError::Incorrect(element))
}

const SUCCESS: &str = "success";
const FAILURE: &str = "failure";

//! MSG. Source: TS 23.554 8.3.2, TS 24.538 6.4.

use super::{MessageType, begin, endpoint, message_id, put_endpoint, ue_service_id};
use crate::elements::Element;
use crate::error::DecodeError;
use crate::json::{Object, Value};
use crate::payload::Payload;
use crate::time::Timestamp;
use crate::values::{
    ApplicationId, AsServiceId, BroadcastAreaId, Endpoint, GroupServiceId, MessageId,
    MessagingTopic, Priority, Recipient, Segment, SegmentationSetId, ServiceIdentifier,
    StoreAndForward, ValueError,
};
use alloc::vec::Vec;
use core::ops::RangeInclusive;

/// MSG: one message, or one segment of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Who sends.
    pub originator: Endpoint,
    /// To whom.
    pub recipient: Recipient,
    /// Identity of the message.
    pub message_id: MessageId,
    /// The application inside the recipient.
    pub application_id: Option<ApplicationId>,
    /// Whether the sender wants a report.
    pub delivery_status_required: bool,
    /// What is carried.
    pub payload: Option<Payload>,
    /// How urgent.
    pub priority: Option<Priority>,
    /// The place in a set, if this is a segment.
    pub segment: Option<Segment>,
    /// Whether the message may wait for an absent recipient.
    pub store_and_forward: StoreAndForward,
}

impl Message {
    /// Makes a message without optional elements.
    #[must_use]
    pub const fn new(originator: Endpoint, recipient: Recipient, message_id: MessageId) -> Self {
        Self {
            originator,
            recipient,
            message_id,
            application_id: None,
            delivery_status_required: false,
            payload: None,
            priority: None,
            segment: None,
            store_and_forward: StoreAndForward::Unstated,
        }
    }

    pub(super) fn read(object: &Object) -> Result<Self, DecodeError> {
        let application_id = value(object, Element::ApplicationId, ApplicationId::parse)?;
        let payload = object
            .text(Element::Payload)?
            .map(|text| Payload::from_wire(text, object.text(Element::PayloadEncoding)?))
            .transpose()?;
        let priority = object
            .text(Element::PriorityType)?
            .map(|text| {
                Priority::from_wire(text).ok_or(DecodeError::Incorrect(Element::PriorityType))
            })
            .transpose()?;
        Ok(Self {
            originator: endpoint(
                object,
                Element::OriginatingUeServiceId,
                Element::OriginatingAsServiceId,
            )?,
            recipient: recipient(object)?,
            message_id: message_id(object)?,
            application_id,
            delivery_status_required: object
                .boolean(Element::DeliveryStatusRequired)?
                .unwrap_or(false),
            payload,
            priority,
            segment: segment(object)?,
            store_and_forward: store_and_forward(object)?,
        })
    }

    /// Writes the body of the POST.
    #[must_use]
    pub fn encode(&self, service: &ServiceIdentifier) -> Vec<u8> {
        let mut object = begin(service, MessageType::Message);
        put_endpoint(
            &mut object,
            &self.originator,
            Element::OriginatingUeServiceId,
            Element::OriginatingAsServiceId,
        );
        put_recipient(&mut object, &self.recipient);
        object.put_text(Element::MessageId, self.message_id.as_str());
        if let Some(id) = &self.application_id {
            object.put_text(Element::ApplicationId, id.as_str());
        }
        if self.delivery_status_required {
            object.put(Element::DeliveryStatusRequired, Value::Bool(true));
        }
        if let Some(payload) = &self.payload {
            object.put(Element::Payload, Value::Text(payload.to_wire()));
            if payload.as_text().is_some() {
                object.put_text(Element::PayloadEncoding, "text");
            }
        }
        if let Some(priority) = self.priority {
            object.put_text(Element::PriorityType, priority.to_wire());
        }
        if let Some(segment) = &self.segment {
            put_segment(&mut object, segment);
        }
        put_store_and_forward(&mut object, self.store_and_forward);
        object.to_bytes()
    }
}

fn value<T>(
    object: &Object,
    element: Element,
    parse: impl FnOnce(&str) -> Result<T, ValueError>,
) -> Result<Option<T>, DecodeError> {
    object
        .text(element)?
        .map(|text| parse(text).map_err(|_| DecodeError::Incorrect(element)))
        .transpose()
}

/// Reads the recipient; a message names exactly one kind.
fn recipient(object: &Object) -> Result<Recipient, DecodeError> {
    let ue = Element::RecipientUeServiceId;
    let server = Element::RecipientAsServiceId;
    let group = Element::RecipientGroupServiceId;
    let area = Element::BroadcastAreaId;
    let topic = Element::MessagingTopic;

    let found = [
        (ue, ue_service_id(object, ue)?.map(Recipient::Ue)),
        (
            server,
            value(object, server, AsServiceId::parse)?.map(Recipient::As),
        ),
        (
            group,
            value(object, group, GroupServiceId::parse)?.map(Recipient::Group),
        ),
        (
            area,
            value(object, area, BroadcastAreaId::parse)?.map(Recipient::BroadcastArea),
        ),
        (
            topic,
            value(object, topic, MessagingTopic::parse)?.map(Recipient::Topic),
        ),
    ];
    let mut present = found
        .into_iter()
        .filter_map(|(element, recipient)| Some((element, recipient?)));
    let (_, recipient) = present.next().ok_or(DecodeError::Missing(ue))?;
    match present.next() {
        Some((element, _)) => Err(DecodeError::Incorrect(element)),
        None => Ok(recipient),
    }
}

fn put_recipient(object: &mut Object, recipient: &Recipient) {
    match recipient {
        Recipient::Ue(id) => object.put_text(Element::RecipientUeServiceId, id.as_str()),
        Recipient::As(id) => object.put_text(Element::RecipientAsServiceId, id.as_str()),
        Recipient::Group(id) => object.put_text(Element::RecipientGroupServiceId, id.as_str()),
        Recipient::BroadcastArea(id) => object.put_text(Element::BroadcastAreaId, id.as_str()),
        Recipient::Topic(topic) => object.put_text(Element::MessagingTopic, topic.as_str()),
    };
}

/// Reads the place of a segment. A set identifier alone also marks a segment.
fn segment(object: &Object) -> Result<Option<Segment>, DecodeError> {
    let set = value(
        object,
        Element::SegmentationSetIdentifier,
        SegmentationSetId::parse,
    )?;
    let marked = object.boolean(Element::MessageIsSegmented)?;
    let set = match (marked, set) {
        (Some(true), None) => {
            return Err(DecodeError::Missing(Element::SegmentationSetIdentifier));
        }
        (Some(false), Some(_)) => {
            return Err(DecodeError::Incorrect(Element::MessageIsSegmented));
        }
        (_, None) => return Ok(None),
        (_, Some(set)) => set,
    };
    let number = Element::MessageSegmentNumber;
    let total = Element::TotalNumberOfMessageSegments;
    let count = |element, range: RangeInclusive<u16>| {
        object
            .number::<u16>(element)?
            .map(|n| {
                range
                    .contains(&n)
                    .then_some(n)
                    .ok_or(DecodeError::Incorrect(element))
            })
            .transpose()
    };
    let place = count(number, 1..=Segment::MAX_COUNT)?.ok_or(DecodeError::Missing(number))?;
    let segments = count(total, place..=Segment::MAX_COUNT)?;
    if place == 1 && segments.is_none() {
        return Err(DecodeError::Missing(total));
    }
    Ok(Some(Segment {
        set,
        number: place,
        total: segments,
        last: object.boolean(Element::LastSegmentFlag)?.unwrap_or(false),
    }))
}

fn put_segment(object: &mut Object, segment: &Segment) {
    object
        .put(Element::MessageIsSegmented, Value::Bool(true))
        .put_text(Element::SegmentationSetIdentifier, segment.set.as_str());
    if let Some(total) = segment.total {
        object.put(
            Element::TotalNumberOfMessageSegments,
            Value::Unsigned(total.into()),
        );
    }
    object.put(
        Element::MessageSegmentNumber,
        Value::Unsigned(segment.number.into()),
    );
    if segment.last {
        object.put(Element::LastSegmentFlag, Value::Bool(true));
    }
}

fn store_and_forward(object: &Object) -> Result<StoreAndForward, DecodeError> {
    let parameters = object.object(Element::StoreAndForwardParameters)?;
    match object.boolean(Element::StoreAndForwardFlag)? {
        None => Ok(StoreAndForward::Unstated),
        Some(false) => Ok(StoreAndForward::Declined),
        Some(true) => {
            let element = Element::MessageExpirationTime;
            let expires = parameters
                .map(|parameters| parameters.text(element))
                .transpose()?
                .flatten()
                .map(|text| Timestamp::parse(text).ok_or(DecodeError::Incorrect(element)))
                .transpose()?;
            Ok(StoreAndForward::Requested { expires })
        }
    }
}

fn put_store_and_forward(object: &mut Object, value: StoreAndForward) {
    match value {
        StoreAndForward::Unstated => {}
        StoreAndForward::Declined => {
            object.put(Element::StoreAndForwardFlag, Value::Bool(false));
        }
        StoreAndForward::Requested { expires } => {
            object.put(Element::StoreAndForwardFlag, Value::Bool(true));
            if let Some(time) = expires {
                let mut parameters = Object::default();
                parameters.put_text(Element::MessageExpirationTime, &time.to_text());
                object.put(
                    Element::StoreAndForwardParameters,
                    Value::Object(parameters),
                );
            }
        }
    }
}

//! The MSGin5G Client Profile: how and when the client can be reached.

use crate::elements::Element;
use crate::error::DecodeError;
use crate::json::{Object, Value};
use crate::time::{TimeOfDay, Timestamp};
use crate::values::{TriggerProtocol, duration};
use alloc::string::ToString;
use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;
use identifiers::Gpsi;

/// Parameters that describe the client. Every part is optional.
///
/// Source: TS 24.538 6.3.1.1.1 d), TS 23.554 8.2.1 (segment size).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ClientProfile {
    /// How to trigger the client.
    pub triggering: Option<TriggeringInformation>,
    /// When the client communicates.
    pub availability: Option<CommunicationAvailability>,
    /// Largest segment that the client takes, octets, at least 1.
    pub segment_size: Option<u32>,
}

/// How to trigger the client; both members are mandatory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TriggeringInformation {
    /// The UE that hosts the client.
    pub ue_id: Gpsi,
    /// Ports on which the client listens, 1 to [`Self::MAX_PORTS`].
    pub ports: Vec<ClientPort>,
}

impl TriggeringInformation {
    /// Most ports in one profile. `Choice:` no bound is given.
    pub const MAX_PORTS: usize = 16;
}

/// One port on which the client listens for triggers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientPort {
    /// The number, not 0.
    pub port: u16,
    /// The means by which a trigger arrives, where the client says it.
    pub protocol: Option<TriggerProtocol>,
}

/// When the client communicates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommunicationAvailability {
    /// When the UE becomes available.
    pub scheduled: ScheduledTime,
    /// Length of one window.
    pub duration: Duration,
    /// Whether and how often windows come back.
    pub periodic: Option<Periodicity>,
    /// Expected volume in one window, octets.
    pub data_size: Option<u64>,
    /// The UE does not request store and forward for incoming messages.
    pub store_and_forward_declined: bool,
}

/// Start of the availability.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ScheduledTime {
    /// At one point in time.
    At(Timestamp),
    /// On days of the week. Source: TS 24.546 C.1.4.4.1.
    Weekly {
        /// Days, 1 is Monday and 7 Sunday; none means every day.
        days: Vec<u8>,
        /// Start of the window.
        start: Option<TimeOfDay>,
        /// End of the window.
        end: Option<TimeOfDay>,
    },
}

/// Periodic communication; the interval is mandatory where the indicator is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Periodicity {
    /// Whether the client communicates periodically.
    pub indicator: bool,
    /// Time from one window to the next.
    pub interval: Duration,
}

impl ClientProfile {
    /// Returns whether the UE asked that nothing be stored for it.
    #[must_use]
    pub fn declines_store_and_forward(&self) -> bool {
        self.availability
            .as_ref()
            .is_some_and(|availability| availability.store_and_forward_declined)
    }

    pub(crate) fn read(object: &Object) -> Result<Self, DecodeError> {
        let segment_size = object.number(Element::SegmentSize)?;
        if segment_size == Some(0) {
            return Err(DecodeError::Incorrect(Element::SegmentSize));
        }
        Ok(Self {
            triggering: object
                .object(Element::ClientTriggeringInformation)?
                .map(TriggeringInformation::read)
                .transpose()?,
            availability: object
                .object(Element::ClientCommunicationAvailability)?
                .map(CommunicationAvailability::read)
                .transpose()?,
            segment_size,
        })
    }

    pub(crate) fn write(&self) -> Object {
        let mut object = Object::default();
        if let Some(triggering) = &self.triggering {
            object.put(
                Element::ClientTriggeringInformation,
                Value::Object(triggering.write()),
            );
        }
        if let Some(availability) = &self.availability {
            object.put(
                Element::ClientCommunicationAvailability,
                Value::Object(availability.write()),
            );
        }
        if let Some(size) = self.segment_size {
            object.put(Element::SegmentSize, Value::Unsigned(size.into()));
        }
        object
    }
}

impl TriggeringInformation {
    fn read(object: &Object) -> Result<Self, DecodeError> {
        let ue_id = object.required_text(Element::UeId)?;
        let ports = object
            .get(Element::ClientPorts)
            .ok_or(DecodeError::Missing(Element::ClientPorts))?;
        let ports = match ports {
            Value::List(list) => list
                .iter()
                .map(ClientPort::read)
                .collect::<Result<Vec<_>, _>>()?,
            one => vec![ClientPort::read(one)?],
        };
        if ports.is_empty() || ports.len() > Self::MAX_PORTS {
            return Err(DecodeError::Incorrect(Element::ClientPorts));
        }
        Ok(Self {
            ue_id: parse_gpsi(ue_id).ok_or(DecodeError::Incorrect(Element::UeId))?,
            ports,
        })
    }

    fn write(&self) -> Object {
        let mut object = Object::default();
        object.put_text(Element::UeId, self.ue_id.as_str());
        let ports = self.ports.iter().map(ClientPort::write).collect();
        object.put(Element::ClientPorts, Value::List(ports));
        object
    }
}

/// Reads a GPSI, also an MSISDN or External ID without its prefix (TS 23.554 8.2.1 names the bare forms).
fn parse_gpsi(text: &str) -> Option<Gpsi> {
    let prefixed = |prefix: &str| Gpsi::parse(&(prefix.to_string() + text)).ok();
    Gpsi::parse(text).ok().or_else(|| {
        if text.contains('@') {
            prefixed("extid-")
        } else {
            prefixed("msisdn-")
        }
    })
}

impl ClientPort {
    /// Reads a number, or an object of port and protocol.
    fn read(value: &Value) -> Result<Self, DecodeError> {
        let (port, protocol) = match value {
            Value::Object(object) => (
                object
                    .number(Element::Port)?
                    .ok_or(DecodeError::Missing(Element::Port))?,
                object
                    .text(Element::Protocol)?
                    .map(|text| {
                        TriggerProtocol::parse(text)
                            .map_err(|_| DecodeError::Incorrect(Element::Protocol))
                    })
                    .transpose()?,
            ),
            number => (number.number(Element::ClientPorts)?, None),
        };
        if port == 0 {
            return Err(DecodeError::Incorrect(Element::ClientPorts));
        }
        Ok(Self { port, protocol })
    }

    fn write(&self) -> Value {
        let port = Value::Unsigned(self.port.into());
        match &self.protocol {
            None => port,
            Some(protocol) => {
                let mut object = Object::default();
                object
                    .put(Element::Port, port)
                    .put_text(Element::Protocol, protocol.as_str());
                Value::Object(object)
            }
        }
    }
}

impl CommunicationAvailability {
    fn read(object: &Object) -> Result<Self, DecodeError> {
        let scheduled = object
            .get(Element::ScheduledCommunicationTime)
            .ok_or(DecodeError::Missing(Element::ScheduledCommunicationTime))?;
        Ok(Self {
            scheduled: ScheduledTime::read(scheduled)?,
            duration: required_duration(object, Element::CommunicationDurationTime)?,
            periodic: object
                .boolean(Element::PeriodicCommunicationIndicator)?
                .map(|indicator| {
                    required_duration(object, Element::PeriodicCommunicationInterval).map(
                        |interval| Periodicity {
                            indicator,
                            interval,
                        },
                    )
                })
                .transpose()?,
            data_size: object.number(Element::DataSizeIndication)?,
            store_and_forward_declined: object
                .boolean(Element::StoreAndForwardOption)?
                .unwrap_or(false),
        })
    }

    fn write(&self) -> Object {
        let mut object = Object::default();
        object.put(Element::ScheduledCommunicationTime, self.scheduled.write());
        object.put(
            Element::CommunicationDurationTime,
            Value::Unsigned(self.duration.as_secs()),
        );
        if let Some(periodic) = self.periodic {
            object.put(
                Element::PeriodicCommunicationIndicator,
                Value::Bool(periodic.indicator),
            );
            object.put(
                Element::PeriodicCommunicationInterval,
                Value::Unsigned(periodic.interval.as_secs()),
            );
        }
        if let Some(size) = self.data_size {
            object.put(Element::DataSizeIndication, Value::Unsigned(size));
        }
        if self.store_and_forward_declined {
            object.put(Element::StoreAndForwardOption, Value::Bool(true));
        }
        object
    }
}

fn required_duration(object: &Object, element: Element) -> Result<Duration, DecodeError> {
    let seconds = object
        .number(element)?
        .ok_or(DecodeError::Missing(element))?;
    duration(seconds).ok_or(DecodeError::Incorrect(element))
}

impl ScheduledTime {
    fn read(value: &Value) -> Result<Self, DecodeError> {
        let incorrect = DecodeError::Incorrect(Element::ScheduledCommunicationTime);
        match value {
            Value::Text(text) => Timestamp::parse(text).map(Self::At).ok_or(incorrect),
            Value::Object(object) => Self::read_weekly(object),
            _ => Err(incorrect),
        }
    }

    fn read_weekly(object: &Object) -> Result<Self, DecodeError> {
        let time = |element| {
            object
                .text(element)?
                .map(|text| TimeOfDay::parse(text).ok_or(DecodeError::Incorrect(element)))
                .transpose()
        };
        let incorrect = DecodeError::Incorrect(Element::DaysOfWeek);
        let mut days: Vec<u8> = Vec::new();
        match object.get(Element::DaysOfWeek) {
            None => {}
            Some(Value::List(list)) => {
                for value in list {
                    let day = value.number(Element::DaysOfWeek)?;
                    if !(1..=7).contains(&day) || days.contains(&day) {
                        return Err(incorrect);
                    }
                    days.push(day);
                }
            }
            Some(_) => return Err(incorrect),
        }
        Ok(Self::Weekly {
            days,
            start: time(Element::TimeOfDayStart)?,
            end: time(Element::TimeOfDayEnd)?,
        })
    }

    fn write(&self) -> Value {
        match self {
            Self::At(time) => Value::Text(time.to_text()),
            Self::Weekly { days, start, end } => {
                let mut object = Object::default();
                if !days.is_empty() {
                    let days = days.iter().map(|day| Value::Unsigned((*day).into()));
                    object.put(Element::DaysOfWeek, Value::List(days.collect()));
                }
                if let Some(start) = start {
                    object.put_text(Element::TimeOfDayStart, &start.to_text());
                }
                if let Some(end) = end {
                    object.put_text(Element::TimeOfDayEnd, &end.to_text());
                }
                Value::Object(object)
            }
        }
    }
}

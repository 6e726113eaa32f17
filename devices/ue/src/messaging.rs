//! A registered UE: one DTLS session with the MSGin5G server. Source: TS 24.538 6.3, 6.4; TS 33.501 Y.2.

mod line;
mod pushes;

use std::borrow::Cow;
use std::pin::Pin;
use std::time::Duration;

use coap::Response;
use dtls::CipherSuite;
use identifiers::UeServiceId;
use msgin5g::Payload;
use msgin5g::client::Post;
use msgin5g::messages::MessageStatus;
use msgin5g::values::{MessageId, Recipient};
use tokio::time::{Instant, sleep, timeout_at};
use tracing::{debug, warn};

use self::line::{DEREGISTER, LONGEST_PAUSE, Line, REGISTER, answer_of, refused};
use self::pushes::read;
use crate::agent::unix_ms;
use crate::error::UeError;
use crate::random;
use crate::state::{Directory, InboxMessage};

/// What the server said to REG.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    /// The device's name in the service.
    pub ue_service_id: UeServiceId,
    /// Whether the server had no registration before.
    pub new: bool,
    /// When it ends, in seconds since 1970, UTC, if the server says it.
    pub expires_at: Option<u64>,
    /// The suite of the DTLS session.
    pub suite: CipherSuite,
}

/// A message to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// UE Service ID of the recipient.
    pub to: UeServiceId,
    /// What to carry.
    pub payload: Payload,
    /// Whether the recipient shall report.
    pub report_wanted: bool,
}

/// What the server did with a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// Identity of the message; a report names it.
    pub message_id: MessageId,
    /// Whether it waits for an absent recipient.
    pub stored: bool,
}

/// Something that another party sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// Message or report.
    pub kind: ReceivedKind,
    /// Identity of the message; of a report, that of the message reported on.
    pub message_id: String,
    /// Who sent it.
    pub from: String,
    /// The application inside the device that it is for.
    pub application_id: Option<String>,
    /// What it carries; empty in a report.
    pub payload: Vec<u8>,
    /// When it arrived, in milliseconds since 1970, UTC.
    pub received_at_ms: u64,
}

/// What was received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReceivedKind {
    /// A message.
    Message,
    /// What became of a message that this device sent.
    Report {
        /// Whether it arrived.
        delivered: bool,
    },
}

impl Received {
    /// The payload as text; octets that are none are replaced.
    #[must_use]
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.payload)
    }
}

/// A live session in which the device is registered. Messages that arrive meanwhile are written to disk
/// before they are acknowledged.
///
/// When the server is gone, or sends the device elsewhere, the device connects and registers again by itself and
/// repeats what it was about. A message is repeated under its Message ID, so that it is taken over once.
pub struct RegisteredUe {
    directory: Directory,
    line: Line,
    registration: Registration,
    /// What a call to receive has begun and not waited for to its end.
    recovery: Option<Recovery>,
}

/// Connecting and registering again.
type Recovery = Pin<Box<dyn Future<Output = Result<(Line, Registration), UeError>> + Send>>;

impl RegisteredUe {
    /// What the server said to the last REG.
    #[must_use]
    pub const fn registration(&self) -> &Registration {
        &self.registration
    }

    /// Sends a text.
    ///
    /// # Errors
    /// [`UeError::Input`] if `to` or the text cannot be sent; otherwise as [`Self::send_message`].
    pub async fn send(&mut self, to: &str, text: &str) -> Result<Sent, UeError> {
        let to = UeServiceId::parse(to)
            .map_err(|_| UeError::Input("a recipient looks like name@domain"))?;
        let payload = Payload::text(text).map_err(|_| {
            UeError::Input("a text has at most 2048 octets and no control characters")
        })?;
        self.send_message(Outgoing {
            to,
            payload,
            report_wanted: false,
        })
        .await
    }

    /// Sends a message.
    ///
    /// # Errors
    /// [`UeError::Refused`] with the server's cause; [`UeError::TimedOut`] leaves open whether the server
    /// has taken it over.
    pub async fn send_message(&mut self, outgoing: Outgoing) -> Result<Sent, UeError> {
        let message_id = MessageId::generate(unix_ms(), random::array());
        let recipient = Recipient::Ue(outgoing.to);
        let mut message = self.line.msgin5g.message(recipient, message_id.clone());
        message.payload = Some(outgoing.payload);
        message.delivery_status_required = outgoing.report_wanted;
        let answer = self
            .steadily(SEND, |line| line.msgin5g.send(&message))
            .await?;
        let status = self
            .line
            .msgin5g
            .read_message_response(&message_id, answer_of(&answer));
        let status = status.map_err(|error| refused(SEND, &answer, error))?;
        Ok(Sent {
            message_id,
            stored: status == MessageStatus::Stored,
        })
    }

    /// Waits for a message or report, up to `within`; `None` if none came. Sends the report that the
    /// sender of a message asked for. While nothing comes, the server is asked now and then whether it is there;
    /// where it is gone and the device is not registered again in time, the next call goes on with that.
    ///
    /// # Errors
    /// As [`Ue::register`](crate::Ue::register) if the server is gone and no other takes the device; [`UeError::State`].
    pub async fn receive(&mut self, within: Duration) -> Result<Option<Received>, UeError> {
        let deadline = Instant::now() + within.min(LONGEST_WAIT);
        loop {
            if let Some((name, message)) = self.line.inbox.oldest()? {
                if message.report_wanted {
                    self.report(&message).await;
                }
                self.line.inbox.remove(&name)?;
                return Ok(Some(read(message)));
            }
            let session = self.line.client.session().clone();
            tokio::select! {
                () = self.line.news.notified() => {}
                reason = session.closed() => {
                    debug!(?reason, "session is over, connecting again");
                    match timeout_at(deadline, self.recover()).await {
                        Ok(recovered) => recovered?,
                        Err(_) => return Ok(None),
                    }
                }
                () = tokio::time::sleep_until(deadline) => return Ok(None),
            }
        }
    }

    /// Posts something; where the server is gone, once more after the device has registered again.
    async fn steadily(
        &mut self,
        operation: &'static str,
        make: impl Fn(&Line) -> Post,
    ) -> Result<Response, UeError> {
        match self.line.post(operation, make(&self.line)).await {
            Err(error) if is_gone(&error) => {
                debug!(operation, "server is gone, connecting again");
                // One that receive has begun may have little of its time left.
                self.recovery = None;
                self.recover().await?;
                self.line.post(operation, make(&self.line)).await
            }
            outcome => outcome,
        }
    }

    /// Connects and registers again. If it is dropped before its end, the next one goes on where it was.
    async fn recover(&mut self) -> Result<(), UeError> {
        let recovery = self
            .recovery
            .get_or_insert_with(|| Box::pin(reopen(self.directory.clone())));
        let recovered = recovery.await;
        self.recovery = None;
        (self.line, self.registration) = recovered?;
        Ok(())
    }

    /// Reports a delivery. The message counts as received whether the report arrives or not.
    async fn report(&mut self, message: &InboxMessage) {
        let Some(post) = self.line.report_on(message) else {
            return;
        };
        match self.steadily(REPORT, |_| post.clone()).await {
            Ok(answer) if answer.is_success() => {}
            Ok(answer) => warn!(code = %answer.code, "delivery report refused"),
            Err(error) => warn!(
                cause = error.cause().name(),
                "delivery report not delivered"
            ),
        }
    }

    /// Ends the registration and the session.
    ///
    /// # Errors
    /// [`UeError::Refused`] with the server's cause.
    pub async fn deregister(mut self) -> Result<(), UeError> {
        let answer = self.steadily(DEREGISTER, |line| line.msgin5g.deregister());
        let deregistered = match answer.await {
            Ok(answer) => self.line.read_deregistration(&answer),
            Err(error) => Err(error),
        };
        self.line.client.close().await;
        deregistered
    }

    /// Ends the session; the registration stays, and the server stores what comes.
    pub async fn close(self) {
        self.line.client.close().await;
    }
}

/// Connects and registers.
pub(crate) async fn register(directory: &Directory) -> Result<RegisteredUe, UeError> {
    let (line, registration) = match open(directory).await {
        // A server that went away between handshake and REG; one that is not there at all was waited for.
        Err(
            UeError::Unreachable {
                operation: REGISTER,
                ..
            }
            | UeError::TimedOut {
                operation: REGISTER,
            },
        ) => open(directory).await?,
        opened => opened?,
    };
    Ok(RegisteredUe {
        directory: directory.clone(),
        line,
        registration,
        recovery: None,
    })
}

/// Opens until it succeeds: the server that was, or what leads to it, may take a while to be replaced.
async fn reopen(directory: Directory) -> Result<(Line, Registration), UeError> {
    let deadline = Instant::now() + RECOVERY;
    let mut pause = FIRST_PAUSE;
    loop {
        match open(&directory).await {
            Err(error) if is_passing(&error) && Instant::now() < deadline => {
                debug!(cause = error.cause().name(), "not registered again yet");
                sleep(pause).await;
                pause = pause.saturating_mul(2).min(LONGEST_PAUSE);
            }
            outcome => return outcome,
        }
    }
}

async fn open(directory: &Directory) -> Result<(Line, Registration), UeError> {
    let line = Line::connect(directory).await?;
    match line.register().await {
        Ok(registration) => Ok((line, registration)),
        Err(error) => {
            line.client.close().await;
            Err(error)
        }
    }
}

/// Whether nobody is at the other end of the session any more.
const fn is_gone(error: &UeError) -> bool {
    matches!(
        error,
        UeError::Unreachable { .. } | UeError::TimedOut { .. }
    )
}

/// Whether another attempt in a while may succeed.
fn is_passing(error: &UeError) -> bool {
    is_gone(error) || matches!(error, UeError::Refused { cause, .. } if cause.retryable())
}

/// Connects and ends the registration.
pub(crate) async fn deregister(directory: &Directory) -> Result<(), UeError> {
    let line = Line::connect(directory).await?;
    let deregistered = line.deregister().await;
    line.client.close().await;
    deregistered
}

const SEND: &str = "send a message";
const REPORT: &str = "report a delivery";
/// How long a device tries to register again by itself.
const RECOVERY: Duration = Duration::from_secs(30);
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_WAIT: Duration = Duration::from_secs(30 * 24 * 3600);

//! `berth check --story`: stories in a throw-away laboratory, of which nothing stays that an operator can remove.

mod stop;
mod teller;

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow};
use clap::Args;
use futures::FutureExt as _;
use nf_api::NetworkFunction;
use nf_api::pb::subscription_manager::CreateOrderRequest;
use nf_api::pb::subscription_manager::order_service_client::OrderServiceClient;
use tokio::time::timeout;
use ue::SignUp;

pub(super) use self::stop::Stop;
use self::teller::Teller;
use crate::config::BerthConfig;
use crate::lab::{
    Channels, LabConfig, Laboratory, Registration, remove_leftovers, start_gateway, throw_away_name,
};
use crate::operator::Operator;
use crate::story::{self, Stage, Steps};

/// Names of throw-away laboratories begin with it.
const PREFIX: &str = "berth-check-";
/// How long one attempt to remove what a story has registered may take.
const REMOVAL: Duration = Duration::from_secs(10);

#[derive(Args)]
pub(crate) struct StoryOptions {
    /// Plays a story too: a throw-away manufacturer, plan and policy, two devices from bare to a delivered message.
    #[arg(long, requires = "config")]
    pub(super) story: bool,
    /// How many stories, each with new devices.
    #[arg(long, requires = "story", default_value_t = 1, value_name = "N")]
    repeat: u64,
    /// Plays stories until a signal comes; the one that runs then comes to its end.
    #[arg(long, requires = "story", conflicts_with = "repeat")]
    until_stopped: bool,
    /// How often a step is tried again before its story fails.
    #[arg(long, requires = "story", default_value_t = 1, value_name = "N")]
    step_retries: u32,
}

/// All stories of one command.
pub(super) struct Tale<'a> {
    pub(super) options: &'a StoryOptions,
    pub(super) json: bool,
    pub(super) config: &'a BerthConfig,
    pub(super) operator: &'a Operator<'a>,
}

/// How one story ended.
enum Ended {
    Well,
    Failed(anyhow::Error),
    /// A signal broke it off.
    BrokenOff,
}

impl Tale<'_> {
    /// Plays all stories; answers whether every one came to its end.
    pub(super) async fn tell(&self, mut stop: Stop) -> Result<bool> {
        let runtime = self.operator.runtime;
        let name = self.new_name();
        let folder = self.config.lab.folder.join(&name);
        let lab = LabConfig {
            // Devices are in this process.
            n1_listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            folder: folder.clone(),
            ..self.config.lab.clone()
        };
        let channels = |callee| self.operator.channel(callee);
        let prepared = async {
            let host = format!("{name}.berth.test");
            let laboratory = Laboratory::open(&lab, host, runtime).await?;
            let site = self.operator.site;
            let n1 = start_gateway(&lab, self.config, site, runtime).await?;
            laboratory
                .publish(&format!("http://{n1}"), &channels)
                .await?;
            Ok::<_, anyhow::Error>(laboratory)
        };
        let mut teller = Teller::new(self.json);
        let told = match prepared.await.context("no story can be played") {
            Ok(laboratory) => {
                self.clear(&channels, &mut teller).await;
                self.play_all(&laboratory, &channels, &mut teller, &mut stop)
                    .await
            }
            Err(error) => Err(error),
        };
        // Keys of devices and of the manufacturer.
        let _ = fs::remove_dir_all(&folder);
        told
    }

    async fn play_all(
        &self,
        laboratory: &Laboratory,
        channels: Channels<'_>,
        teller: &mut Teller,
        stop: &mut Stop,
    ) -> Result<bool> {
        let (mut stories, mut failures, mut retried) = (0_u64, 0_u64, 0_usize);
        let mut broken_off = false;
        while !stop.is_asked() && (self.options.until_stopped || stories < self.options.repeat) {
            teller.next_story();
            let begun = Instant::now();
            let (ended, retries) = self.play(laboratory, channels, teller, stop).await;
            retried += retries;
            match ended {
                Ended::BrokenOff => {
                    broken_off = true;
                    break;
                }
                Ended::Well => {
                    stories += 1;
                    teller.story(begun.elapsed(), None)?;
                }
                Ended::Failed(error) => {
                    stories += 1;
                    failures += 1;
                    teller.story(begun.elapsed(), Some(&error))?;
                }
            }
        }
        teller.summary(stories, retried, failures, broken_off)?;
        let complete = self.options.until_stopped || stories == self.options.repeat;
        Ok(complete && failures == 0)
    }

    /// One story, and the removal of all that it registered, however it ended. Answers how many steps were tried again.
    async fn play(
        &self,
        laboratory: &Laboratory,
        channels: Channels<'_>,
        teller: &mut Teller,
        stop: &mut Stop,
    ) -> (Ended, usize) {
        let name = self.new_name();
        let devices = laboratory.folder().join("devices");
        let mut registration = Registration::new(laboratory, &name, &name, false);
        let mut steps = Steps::new(teller, self.options.step_retries);
        // A call that a signal breaks off may still take effect after its removal, so none is.
        let registered = steps
            .step("laboratory", async |attempt| {
                registration.put(channels).await?;
                let sign_up = orders(&registration, attempt, channels).await?;
                let detail = format!("manufacturer, plan and orders of {name}");
                Ok((sign_up, detail))
            })
            .await;
        let played = match registered {
            Ok(sign_up) => {
                let stage = Stage {
                    lab: laboratory.folder(),
                    devices: &devices,
                    sign_up,
                    af_fqdn: registration.af_fqdn(),
                };
                let playing = AssertUnwindSafe(story::play(&stage, &mut steps)).catch_unwind();
                tokio::select! {
                    played = playing => Some(played.unwrap_or_else(|_| Err(anyhow!("this command panicked")))),
                    () = stop.breaks_off(self.options.until_stopped) => None,
                }
            }
            Err(error) => Some(Err(error)),
        };
        if !matches!(played, Some(Ok(()))) {
            story::leave(&devices).await;
        }
        let (at, attempts) = steps.current();
        let removed = steps
            .step("clean-up", async |_| {
                let removed = timeout(REMOVAL, registration.remove(channels)).await;
                removed.context("the functions do not answer")??;
                Ok(((), format!("nothing of {name} is registered any more")))
            })
            .await;
        let retried = steps.retried();
        let _ = fs::remove_dir_all(&devices);
        let ended = match (played, removed) {
            (Some(Err(error)), _) => {
                Ended::Failed(error.context(format!("{at} failed ({attempts} attempts)")))
            }
            (_, Err(error)) => Ended::Failed(error.context("something stays registered")),
            (Some(Ok(())), Ok(())) => Ended::Well,
            (None, Ok(())) => Ended::BrokenOff,
        };
        (ended, retried)
    }

    /// Removes what stories left that were killed.
    async fn clear(&self, channels: Channels<'_>, teller: &mut Teller) {
        let age = self.config.check.leftover_age;
        let now = self.operator.runtime.clock.unix_seconds();
        let af_fqdn = &self.config.lab.msgin5g_af_fqdn;
        let removed = remove_leftovers(PREFIX, age, now, af_fqdn, channels).await;
        teller.leftovers(&removed);
    }

    fn new_name(&self) -> String {
        let runtime = self.operator.runtime;
        let random = u32::from_be_bytes(runtime.random.array());
        throw_away_name(PREFIX, runtime.clock.unix_seconds(), random)
    }
}

/// An order for each device: the plan is for nobody else.
async fn orders(
    registration: &Registration,
    attempt: u32,
    channels: Channels<'_>,
) -> Result<[SignUp; 2]> {
    let mut client = OrderServiceClient::new(channels(NetworkFunction::SubscriptionManager)?);
    let mut codes = Vec::new();
    for device in ["sensor", "band"] {
        let order = CreateOrderRequest {
            // The code is told once: another attempt is another order.
            idempotency_key: format!("{}-{device}-{attempt}", registration.plan_id()),
            plan_id: registration.plan_id().to_owned(),
            ..CreateOrderRequest::default()
        };
        let created = client.create(order).await.context("an order is refused")?;
        codes.push(created.into_inner().order_code);
    }
    let codes = codes.into_iter().map(SignUp::Code).collect::<Vec<_>>();
    codes
        .try_into()
        .map_err(|_| anyhow!("an order has no code"))
}

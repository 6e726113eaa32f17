//! `berth check --story`: stories in a throw-away laboratory, of which nothing stays that an operator can remove.

mod teller;

use std::fs;
use std::panic::AssertUnwindSafe;
use std::time::Instant;

use anyhow::{Context as _, Result, anyhow};
use clap::Args;
use futures::FutureExt as _;

use self::teller::Teller;
use super::laboratory::{ThrowAway, orders};
use super::stop::Stop;
use crate::config::BerthConfig;
use crate::lab::Channels;
use crate::operator::Operator;
use crate::story::{self, Stage, Steps};

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
        let laboratory = ThrowAway::open(self.config, self.operator)
            .await
            .context("no story can be played")?;
        let channels = |callee| self.operator.channel(callee);
        let mut teller = Teller::new(self.json);
        let left = laboratory.clear(self.config.check.leftover_age, &channels);
        if let Some(left) = left.await {
            teller.leftovers(&left);
        }
        self.play_all(&laboratory, &channels, &mut teller, &mut stop)
            .await
    }

    async fn play_all(
        &self,
        laboratory: &ThrowAway<'_>,
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
        laboratory: &ThrowAway<'_>,
        channels: Channels<'_>,
        teller: &mut Teller,
        stop: &mut Stop,
    ) -> (Ended, usize) {
        let devices = laboratory.folder().join("devices");
        let mut registration = laboratory.registration();
        let name = registration.plan_id().to_owned();
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
                laboratory.remove(&registration, channels).await?;
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
}

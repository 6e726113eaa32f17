//! MSGin5G registration with AKMA keys: in new sessions (handshake, AAnF, Configuration Management, REG), and again
//! and again in an established one.

use std::net::SocketAddr;

use ::coap::{ContentFormat, Request};
use ::dtls::{ClientConfig, Psk};
use akma::psk_identity;
use anyhow::{Context as _, Result};
use msgin5g::client::{Answer, Client};
use msgin5g::values::ServiceIdentifier;
use nf_api::pb::ausf::authentication_service_client::AuthenticationServiceClient;

use crate::aka::{Ausf, authenticate};
use crate::device::Device;
use crate::lab::Lab;
use crate::measure::{Load, Worker, measure as run};
use crate::report::Report;
use crate::subscriber::{ApplicationKey, onboard};

const TLS: &str = "DTLS 1.2 PSK-AES128-CCM8 with K_AF";

pub(crate) async fn measure(load: Load<'_>, report: &mut Report) -> Result<()> {
    let lab = Lab::start(load.programs).await?;
    let ausf = Ausf::Unary(AuthenticationServiceClient::new(lab.ausf()?));
    let (mut new, mut established) = (Vec::new(), Vec::new());
    for mut subscriber in onboard(&lab, load.concurrency).await? {
        let k_ausf = authenticate(&ausf, &mut subscriber).await?;
        let ue = Ue {
            server: lab.coaps()?,
            key: subscriber.application_key(&k_ausf)?,
            client: Client::new(ServiceIdentifier::default(), subscriber.ue_service_id()?),
        };
        let device = ue.connect().await?;
        established.push(Refreshes {
            ue: ue.clone(),
            device,
        });
        new.push(Registrations(ue));
    }
    report.add(&run(lab.about("reg", "each batch", TLS), load, new, &lab.process).await?)?;
    report.add(
        &run(
            lab.about("reg refresh", "each batch", TLS),
            load,
            established,
            &lab.process,
        )
        .await?,
    )
}

/// A UE with the key of its last authentication.
#[derive(Clone)]
struct Ue {
    server: SocketAddr,
    key: ApplicationKey,
    client: Client,
}

impl Ue {
    async fn connect(&self) -> Result<Device> {
        let key = Psk::try_from_slice(self.key.k_af.expose())?;
        let mut config =
            ClientConfig::new(&psk_identity(&self.key.a_kid), vec![(self.key.suite, key)]);
        config.server_name = Some(self.key.af.as_str().to_owned());
        Device::connect(self.server, config).await
    }

    async fn register(&self, device: &mut Device) -> Result<()> {
        let post = self.client.register(None, None);
        let request = Request::post(post.uri_path, ContentFormat(post.content_format), post.body);
        let response = device.request(request).await?;
        let answer = Answer {
            code: response.code.byte(),
            content_format: response.content_format().map(|format| format.0),
            body: &response.payload,
        };
        self.client
            .read_registration(answer)
            .with_context(|| format!("REG was answered {}", response.code))
            .map(drop)
    }
}

struct Registrations(Ue);

impl Worker for Registrations {
    async fn operate(&mut self) -> Result<()> {
        let mut device = self.0.connect().await?;
        self.0.register(&mut device).await?;
        device.close().await
    }
}

struct Refreshes {
    ue: Ue,
    device: Device,
}

impl Worker for Refreshes {
    async fn operate(&mut self) -> Result<()> {
        self.ue.register(&mut self.device).await
    }
}

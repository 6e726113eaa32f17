//! The registry, from operators.

use cause::Cause;
use nf_api::pb::ausf as pb;
use nf_api::pb::ausf::manufacturer_service_server::ManufacturerService;
use nf_api::status::refuse;
use nf_runtime::metrics::ProcedureMetrics;
use nf_runtime::procedure::answer;
use tonic::{Request, Response, Status, async_trait};

use crate::manufacturers::{Manufacturer, Manufacturers, is_name};

pub(super) struct Edge {
    pub(super) manufacturers: Manufacturers,
    pub(super) metrics: ProcedureMetrics,
}

#[async_trait]
impl ManufacturerService for Edge {
    async fn put(
        &self,
        request: Request<pb::PutManufacturerRequest>,
    ) -> Result<Response<pb::PutManufacturerResponse>, Status> {
        let manufacturer = decode(request.into_inner().manufacturer).map_err(refuse)?;
        tracing::info!(manufacturer = manufacturer.name, "manufacturer set");
        answer(
            &self.metrics,
            "put_manufacturer",
            self.manufacturers.put(&manufacturer),
            store::Error::cause,
        )
        .await?;
        Ok(Response::new(pb::PutManufacturerResponse {}))
    }

    async fn list(
        &self,
        _request: Request<pb::ListManufacturersRequest>,
    ) -> Result<Response<pb::ListManufacturersResponse>, Status> {
        let found = answer(
            &self.metrics,
            "list_manufacturers",
            self.manufacturers.list(),
            store::Error::cause,
        )
        .await?;
        Ok(Response::new(pb::ListManufacturersResponse {
            manufacturers: found.into_iter().map(encode).collect(),
        }))
    }

    async fn delete(
        &self,
        request: Request<pb::DeleteManufacturerRequest>,
    ) -> Result<Response<pb::DeleteManufacturerResponse>, Status> {
        let name = request.into_inner().name;
        if !is_name(&name) {
            return Err(refuse(Cause::MandatoryElementIncorrect));
        }
        tracing::info!(manufacturer = name, "manufacturer removed");
        answer(
            &self.metrics,
            "delete_manufacturer",
            self.manufacturers.delete(&name),
            store::Error::cause,
        )
        .await?;
        Ok(Response::new(pb::DeleteManufacturerResponse {}))
    }
}

fn decode(message: Option<pb::Manufacturer>) -> Result<Manufacturer, Cause> {
    let message = message.ok_or(Cause::MandatoryElementMissing)?;
    let ports = message
        .allowed_ports
        .into_iter()
        .map(u16::try_from)
        .collect::<Result<_, _>>();
    let manufacturer = Manufacturer {
        name: message.name,
        url_prefixes: message.url_prefixes,
        device_anchors: message.device_anchors,
        server_anchors: message.server_anchors,
        allowed_networks: message.allowed_networks,
        allowed_ports: ports.map_err(|_| Cause::MandatoryElementIncorrect)?,
        allow_bare_url: message.allow_bare_url,
        allow_cert_direct: message.allow_cert_direct,
        host_overrides: message.host_overrides,
    };
    if manufacturer.is_well_formed() {
        Ok(manufacturer)
    } else {
        Err(Cause::MandatoryElementIncorrect)
    }
}

fn encode(manufacturer: Manufacturer) -> pb::Manufacturer {
    pb::Manufacturer {
        name: manufacturer.name,
        url_prefixes: manufacturer.url_prefixes,
        device_anchors: manufacturer.device_anchors,
        server_anchors: manufacturer.server_anchors,
        allowed_networks: manufacturer.allowed_networks,
        allowed_ports: manufacturer
            .allowed_ports
            .into_iter()
            .map(u32::from)
            .collect(),
        allow_bare_url: manufacturer.allow_bare_url,
        allow_cert_direct: manufacturer.allow_cert_direct,
        host_overrides: manufacturer.host_overrides,
    }
}

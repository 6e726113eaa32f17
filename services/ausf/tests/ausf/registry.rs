//! The registry of manufacturers, as operators change it.

use cause::Cause;
use nf_api::Caller;
use nf_api::pb::ausf as pb;
use nf_api::pb::ausf::manufacturer_service_client::ManufacturerServiceClient;

use crate::device::{factory, maker};
use crate::edge::refused;
use crate::world::{World, gateway};

#[tokio::test]
async fn the_registry_takes_well_formed_entries_from_operators_only() {
    let world = World::new().await;
    let operator = Caller::Operator {
        name: "admin".to_owned(),
    };
    let mut client = ManufacturerServiceClient::new(world.channel(operator));
    let good = pb::Manufacturer {
        name: maker().name,
        url_prefixes: maker().url_prefixes,
        device_anchors: maker().device_anchors,
        server_anchors: vec![factory().certificate],
        allowed_networks: maker().allowed_networks,
        allowed_ports: vec![8443],
        host_overrides: maker().host_overrides,
        ..Default::default()
    };
    let put = |manufacturer: pb::Manufacturer| pb::PutManufacturerRequest {
        manufacturer: Some(manufacturer),
    };
    let with = |change: fn(&mut pb::Manufacturer)| {
        let mut changed = good.clone();
        change(&mut changed);
        changed
    };
    for bad in [
        with(|entry| entry.name.clear()),
        with(|entry| entry.name = "x".repeat(65)),
        with(|entry| entry.name = "line\nbreak".to_owned()),
        with(|entry| entry.device_anchors.clear()),
        with(|entry| entry.device_anchors.push(vec![0x30])),
        with(|entry| entry.server_anchors.push(Vec::new())),
        with(|entry| entry.url_prefixes.push("http://maker.test/".to_owned())),
        with(|entry| entry.url_prefixes.push("https://10.0.0.1/".to_owned())),
        with(|entry| {
            entry
                .url_prefixes
                .push("https://maker.test:9000/".to_owned())
        }),
        with(|entry| entry.allowed_ports.push(65_536)),
        with(|entry| entry.allowed_networks.push("10.0.0.0".to_owned())),
        with(|entry| entry.allowed_networks.push("10.0.0.0/33".to_owned())),
        with(|entry| entry.host_overrides.push("localhost".to_owned())),
        with(|entry| entry.host_overrides.push("localhost=x".to_owned())),
    ] {
        assert_eq!(
            refused(client.put(put(bad)).await),
            Some(Cause::MandatoryElementIncorrect)
        );
    }
    assert_eq!(
        refused(
            client
                .put(pb::PutManufacturerRequest { manufacturer: None })
                .await
        ),
        Some(Cause::MandatoryElementMissing)
    );
    client.put(put(good.clone())).await.unwrap();
    let listed = client.list(pb::ListManufacturersRequest {}).await.unwrap();
    assert_eq!(
        listed.into_inner().manufacturers,
        std::slice::from_ref(&good)
    );
    for (name, expected) in [
        ("maker", None),
        ("nobody", None),
        ("", Some(Cause::MandatoryElementIncorrect)),
        ("a\0", Some(Cause::MandatoryElementIncorrect)),
    ] {
        let request = pb::DeleteManufacturerRequest {
            name: name.to_owned(),
        };
        assert_eq!(refused(client.delete(request).await), expected);
    }
    let listed = client.list(pb::ListManufacturersRequest {}).await.unwrap();
    assert!(listed.into_inner().manufacturers.is_empty());
    let mut stranger = ManufacturerServiceClient::new(world.channel(gateway("one")));
    assert_eq!(
        refused(stranger.put(put(good)).await),
        Some(Cause::NotAuthorized)
    );
}

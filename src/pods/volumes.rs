//! The volumes of a job's pod, and what the operator and users give it in them.

use k8s_openapi::api::core::v1::{
    ConfigMapProjection, DownwardAPIProjection, DownwardAPIVolumeFile, EmptyDirVolumeSource, KeyToPath,
    ObjectFieldSelector, ProjectedVolumeSource, SecretProjection, Volume, VolumeProjection,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;

use super::places::{FLUSH, VOLUME_CONTROL, VOLUME_INPUT, VOLUME_WORK};
use crate::api::{job::EsdlSource, names};

/// Eight times the largest message of a RabbitMQ, and a progress file of weeks: a program that fills more has gone astray,
/// and the kubelet ends it before the node is full.
const WORK_LIMIT: &str = "4Gi";
/// Twice the largest message.
const INPUT_LIMIT: &str = "1Gi";

/// What the operator asks of the courier of a pod that runs.
pub(super) fn control() -> Volume {
    projected(VOLUME_CONTROL, vec![downward([(names::ANNOTATION_FLUSH, FLUSH)])])
}

/// The program's progress and output, and what the courier needs beside them.
pub(super) fn work() -> Volume {
    scratch(VOLUME_WORK, WORK_LIMIT)
}

/// The input, where the courier brings it.
pub(super) fn brought_input() -> Volume {
    scratch(VOLUME_INPUT, INPUT_LIMIT)
}

fn scratch(name: &str, limit: &str) -> Volume {
    let source =
        EmptyDirVolumeSource { size_limit: Some(Quantity(limit.to_owned())), ..EmptyDirVolumeSource::default() };
    Volume { name: name.to_owned(), empty_dir: Some(source), ..Volume::default() }
}

pub(super) fn projected(name: &str, sources: Vec<VolumeProjection>) -> Volume {
    let projected = ProjectedVolumeSource { sources: Some(sources), ..ProjectedVolumeSource::default() };
    Volume { name: name.to_owned(), projected: Some(projected), ..Volume::default() }
}

/// Annotations of the pod as files.
pub(super) fn downward(files: impl IntoIterator<Item = (&'static str, &'static str)>) -> VolumeProjection {
    let items = files.into_iter().map(|(annotation, path)| DownwardAPIVolumeFile {
        path: path.to_owned(),
        field_ref: Some(annotation_field(annotation)),
        ..DownwardAPIVolumeFile::default()
    });
    VolumeProjection {
        downward_api: Some(DownwardAPIProjection { items: Some(items.collect()) }),
        ..VolumeProjection::default()
    }
}

fn annotation_field(annotation: &str) -> ObjectFieldSelector {
    ObjectFieldSelector { api_version: None, field_path: format!("metadata.annotations['{annotation}']") }
}

/// With a courier the reference is optional for the kubelet, because the courier says more clearly what is missing;
/// without one the kubelet holds the pod until it is there.
pub(super) fn referenced(esdl: &EsdlSource, courier: bool) -> Option<VolumeProjection> {
    let item = |key: &str| {
        Some(vec![KeyToPath { key: key.to_owned(), path: "input.esdl".to_owned(), ..KeyToPath::default() }])
    };
    let EsdlSource { config_map_key_ref, secret_key_ref, inline: _, from_broker: _ } = esdl;
    let config_map = config_map_key_ref.as_ref().map(|reference| VolumeProjection {
        config_map: Some(ConfigMapProjection {
            name: reference.name.clone(),
            items: item(&reference.key),
            optional: Some(courier),
        }),
        ..VolumeProjection::default()
    });
    let secret = secret_key_ref.as_ref().map(|reference| VolumeProjection {
        secret: Some(SecretProjection {
            name: reference.name.clone(),
            items: item(&reference.key),
            optional: Some(courier),
        }),
        ..VolumeProjection::default()
    });
    config_map.or(secret)
}

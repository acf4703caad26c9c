//! A folder for `kubectl apply -k`, or a base of an overlay.

use super::File;
use crate::install::Rendering;

/// The folder. Snippets stand in it and are no resources.
#[must_use]
pub fn kustomize(rendering: &Rendering) -> Vec<File> {
    let names = rendering.resources.iter().map(|resource| format!("- {}\n", resource.file_name()));
    let listed: String = names.collect();
    let index = format!("apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n{listed}");
    let resources = rendering.resources.iter().map(|resource| File { path: resource.file_name(), text: resource.text.clone() });
    let snippets = rendering.snippets.iter().map(|(path, text)| File { path: (*path).to_owned(), text: text.clone() });
    [File { path: "kustomization.yaml".to_owned(), text: index }].into_iter().chain(resources).chain(snippets).collect()
}

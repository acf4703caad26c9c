//! A chart whose values are the namespaces and, where the module is fetched, its hash.

use super::File;
use crate::install::{Install, Rendering};
use crate::module::{Module, ModuleSource};
use crate::names::Namespace;
use crate::refusal::Refusal;
use crate::yaml::scalar;

/// Words that stand for values until the rest of a text is made safe for templates. No namespace and no hash has such letters.
const NAMESPACE: &str = "MESHWHY_NAMESPACE";
const ROOT_NAMESPACE: &str = "MESHWHY_ROOT_NAMESPACE";
const SHA256: &str = "MESHWHY_SHA256";

/// The chart of this version of meshwhy.
///
/// # Errors
/// As [`Install::render`].
pub fn helm(install: &Install, version: &str) -> Result<Vec<File>, Refusal> {
    install.render()?;
    let is_root = install.namespace == install.root_namespace;
    let root = Namespace::placeholder(ROOT_NAMESPACE);
    let mut templated = Install {
        namespace: if is_root { root.clone() } else { Namespace::placeholder(NAMESPACE) },
        root_namespace: root.clone(),
        ..install.clone()
    };
    let mut sha256 = None;
    if let Some(Module(ModuleSource::Server(server))) = &mut templated.module {
        sha256 = Some(std::mem::replace(&mut server.sha256, SHA256.to_owned()));
        if server.is_own {
            templated.module = Some(Module::trusted(&root, SHA256.to_owned()));
        }
    }
    let Rendering { resources, snippets } = templated.render()?;
    let templates = resources
        .iter()
        .map(|resource| File { path: format!("templates/{}", resource.file_name()), text: template(&resource.text) });
    let snippets = snippets.into_iter().map(|(path, text)| File { path: path.to_owned(), text });
    let chart = format!(
        "apiVersion: v2\nname: meshwhy\ndescription: Why requests through Envoy and Istio fail\ntype: application\nversion: {version}\nappVersion: {version}\n"
    );
    let index = [("Chart.yaml", chart), ("values.yaml", values(install, is_root, sha256.as_deref()))];
    let index = index.into_iter().map(|(path, text)| File { path: path.to_owned(), text });
    Ok(index.chain(templates).chain(snippets).collect())
}

fn values(install: &Install, is_root: bool, sha256: Option<&str>) -> String {
    let mut values = format!("# The root namespace of the mesh.\nrootNamespace: {}\n", scalar(install.root_namespace.as_str()));
    if !is_root {
        let namespace = scalar(install.namespace.as_str());
        values.push_str(&format!("# The namespace whose proxies get the configuration.\nnamespace: {namespace}\n"));
    }
    if let Some(sha256) = sha256 {
        values.push_str(&format!("module:\n  # Proxies run only these bytes.\n  sha256: \"{sha256}\"\n"));
    }
    values
}

/// Text as a template that gives this text, with the values in it.
fn template(text: &str) -> String {
    let safe = text.replace("{{", "{{ \"{{\" }}");
    // The longer word first: the shorter is no part of it, but readers should not have to see that.
    let values = [
        (ROOT_NAMESPACE, "{{ .Values.rootNamespace }}"),
        (NAMESPACE, "{{ .Values.namespace }}"),
        (SHA256, "{{ .Values.module.sha256 }}"),
    ];
    let filled = values.iter().fold(safe, |text, (word, value)| text.replace(word, value));
    // A namespace may look like a number.
    let whole = |value: &str| filled_line(value);
    filled
        .replace(&whole("rootNamespace"), "namespace: {{ .Values.rootNamespace | quote }}\n")
        .replace(&whole("namespace"), "namespace: {{ .Values.namespace | quote }}\n")
}

fn filled_line(value: &str) -> String {
    format!("namespace: {{{{ .Values.{value} }}}}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_values_are_left_to_a_template() {
        assert_eq!(template("a: '{{ x }}' %CEL({'a': 'b'}[c])%\n"), "a: '{{ \"{{\" }} x }}' %CEL({'a': 'b'}[c])%\n");
        assert_eq!(template("  namespace: MESHWHY_NAMESPACE\n"), "  namespace: {{ .Values.namespace | quote }}\n");
        assert_eq!(template("h: a.MESHWHY_ROOT_NAMESPACE.svc\n"), "h: a.{{ .Values.rootNamespace }}.svc\n");
    }
}

//! Against a real API server: what is found, read, followed and forbidden.

mod collecting;
mod commands;
mod recording;
mod roles;

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use libtest_mimic::{Arguments, Failed, Trial};
use meshwhy_cluster::{Access, LogRequest, Namespaces, Selection, Session, Subject};
use meshwhy_integration::RunDirectory;
use meshwhy_integration::envoy::locate::locate;
use meshwhy_integration::envoy::process::Envoy;
use meshwhy_integration::kubernetes::{ApiServer, PodLog};
use meshwhy_integration::not_run::NotRun;
use serde_json::json;

/// The pods of a small mesh.
const PODS: &str = include_str!("mesh.yaml");

/// Failures and healthy requests that a real mesh wrote: `istio-live.jsonl` of the crate `diagnose`.
pub(crate) const FAILURES: &str = include_str!("failures.log");

/// The log of each container, in the order in which the server knows them.
pub(crate) const LOGS: [PodLog<'static>; 6] = [
    log("shop", "pay-1", FAILURES, Some("a life before\n")),
    log("shop", "cart-1", "cart one\n", None),
    log("shop", "waypoint-1", "waypoint one\n", None),
    log("istio-ingress", "gateway-1", "gateway one\n", None),
    log("istio-system", "ztunnel-1", "ztunnel one\n", None),
    PodLog { namespace: "istio-system", pod: "istiod-1", container: "discovery", lines: "istiod one\n", previous: None },
];

const fn log(namespace: &'static str, pod: &'static str, lines: &'static str, previous: Option<&'static str>) -> PodLog<'static> {
    PodLog { namespace, pod, container: "istio-proxy", lines, previous }
}

pub(crate) const ALL_LOGS: LogRequest = LogRequest { since: None, follow: false, previous: false, at_once: 4, most: 1 << 20 };

fn main() -> Result<ExitCode> {
    let arguments = Arguments::from_args();
    if arguments.list {
        return Ok(libtest_mimic::run(&arguments, trials(None)).exit_code());
    }
    let directory = RunDirectory::new("cluster")?;
    let bootstrap = json!({"admin": {"address": {"socket_address": {"address": "127.0.0.1", "port_value": 0}}}});
    let envoy = Envoy::start(&locate()?, &bootstrap, directory.path())?;
    let server = match ApiServer::start(&LOGS, Some(envoy.admin_address().port()))? {
        Ok(server) => Arc::new(server),
        Err(missing) => {
            NotRun::here().note("cluster_real", &missing, "install Go, and etcd where there is no apt-get")?;
            return Ok(ExitCode::SUCCESS);
        }
    };
    server.define_kinds()?;
    server.apply(PODS)?;
    for log in &LOGS {
        server.wait_for_pod(log.namespace, log.pod)?;
    }
    if let Some(file) = std::env::var_os("MESHWHY_RECORD_ANSWERS") {
        recording::record(&server, file.as_ref())?;
    }
    Ok(libtest_mimic::run(&arguments, trials(Some(&server))).exit_code())
}

/// A test.
type Test = fn(&ApiServer) -> Result<()>;

fn trials(server: Option<&Arc<ApiServer>>) -> Vec<Trial> {
    let tests: [(&str, Test); 17] = [
        ("the_proxies_of_what_was_named_are_found", collecting::proxies_are_found),
        ("the_logs_of_all_of_them_are_read", collecting::logs_are_read),
        ("what_is_written_while_it_is_followed_arrives", collecting::followed_logs_grow),
        ("what_is_configured_is_listed_and_no_secret", collecting::objects_are_listed),
        ("events_are_lines", collecting::events_are_lines),
        ("an_envoy_is_asked_through_the_api_server", collecting::envoys_are_asked),
        ("what_is_forbidden_is_named", collecting::forbidden_is_named),
        ("the_roles_suffice_and_every_rule_is_needed", roles::roles_are_sufficient_and_minimal),
        ("a_diagnosis_of_the_cluster_is_that_of_its_logs", commands::live_is_as_offline),
        ("what_was_kept_is_read_by_every_command", commands::kept_is_read),
        ("whoever_may_not_read_learns_what", commands::forbidden_is_no_all_clear),
        ("a_cluster_that_cannot_be_asked_is_exit_code_4", commands::unreachable_is_exit_code_4),
        ("the_configuration_of_the_cluster_is_checked", commands::configuration_is_checked),
        ("whatever_is_rendered_the_api_server_takes", commands::rendered_is_taken),
        ("proxies_are_examined_live_and_later", commands::proxies_are_examined),
        ("a_probe_sets_out_from_a_pod", commands::probes_set_out_from_pods),
        ("an_installation_is_proved_against_the_cluster", commands::installation_is_proved),
    ];
    let trial = |(name, test): (&'static str, Test)| {
        let server = server.cloned();
        Trial::test(name, move || {
            let server = server.context("no server")?;
            test(&server).map_err(|error| Failed::from(format!("{error:?}")))
        })
    };
    tests.into_iter().map(trial).collect()
}

pub(crate) fn session(server: &ApiServer, user: &str) -> Result<Session> {
    Ok(Session::connect(&Access { kubeconfig: Some(server.kubeconfig(user)), context: None }, "istio-system")?)
}

pub(crate) fn in_namespace(namespace: &str, subjects: &[&str]) -> Selection {
    Selection {
        subjects: subjects.iter().filter_map(|text| Subject::parse(text)).collect(),
        namespaces: Namespaces::One(namespace.to_owned()),
        labels: None,
    }
}

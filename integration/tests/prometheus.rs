//! What Envoy shows Prometheus of the module's counters, and what `deploy/` makes of it: labels under Istio's own rules and under ours, a
//! bounded number of series, rules that `promtool` takes, a dashboard of which every query has data.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use meshwhy_integration::artifacts::{cli, workspace};
use meshwhy_integration::envoy::Envoy;
use meshwhy_integration::hostile::{listener, setup};
use meshwhy_integration::merge::overlay;
use meshwhy_integration::not_run::NotRun;
use meshwhy_integration::prometheus::{Programs, Prometheus, configuration, programs};
use meshwhy_integration::scenario::ClientRequest;
use meshwhy_integration::tail::wait_for;
use meshwhy_integration::{Deployment, RunDirectory, Scenario, Session, Setup};
use serde_json::{Value, json};

/// `stats_config` as Istio's bootstrap has it, and as this project ships it for Envoys without Istio.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Labels {
    Istio,
    Plain,
}

fn statistics(labels: Labels) -> Result<Value> {
    match labels {
        Labels::Istio => Ok(serde_saphyr::from_str(include_str!("prometheus/istio-stats.yaml"))?),
        Labels::Plain => Ok(serde_saphyr::from_str(&fs::read_to_string(deployed("prometheus/envoy.yaml"))?)?),
    }
}

fn deployed(path: &str) -> PathBuf {
    workspace().join("deploy").join(path)
}

fn scenario(labels: Labels) -> Result<[Scenario; 1]> {
    let routes = json!([
        {"name": "refused", "match": {"path": "/refused"}, "route": {"cluster": "{{refused}}"}},
        {"name": "ok", "match": {"path": "/ok"}, "route": {"cluster": "{{cluster}}"}},
    ]);
    let [mut scenario] = listener(routes)?;
    scenario.bootstrap = Some(statistics(labels)?);
    Ok([scenario])
}

fn request(host: &str, path: &str) -> ClientRequest {
    let headers = [("host".to_owned(), host.to_owned())].into();
    ClientRequest { path: path.to_owned(), headers, trace_context: false, ..ClientRequest::default() }
}

/// Gives a fault of each kind to an Envoy, for hosts and paths of this number.
fn fail(session: &Session, number: usize) -> Result<()> {
    for path in ["/refused", "/ok", &format!("/no/{number}")] {
        session.send("generous", &request(&format!("h{number}.component.x.example"), path))?;
    }
    Ok(())
}

/// The series of the module, without their values.
fn series(envoy: &Envoy) -> Result<BTreeSet<String>> {
    let text = envoy.admin("/stats/prometheus")?;
    let lines = text.lines().filter(|line| line.starts_with("meshwhy_"));
    Ok(lines.filter_map(|line| line.rsplit_once(' ')).map(|(series, _)| series.to_owned()).collect())
}

fn shows(labels: Labels, expected: &[&str]) -> Result<()> {
    Session::start(&scenario(labels)?, &setup(Some(Deployment::Observe)))?.check(|session| {
        fail(session, 0)?;
        let wanted: BTreeSet<String> = expected.iter().map(|text| (*text).to_owned()).collect();
        let found = wait_for(Duration::from_secs(5), || series(session.envoy()).ok().filter(|found| *found == wanted));
        ensure!(found.is_some(), "{labels:?}: {:#?}", series(session.envoy())?);
        // Whatever clients send, no series is added: no label has anything of a request.
        (1..60).try_for_each(|number| fail(session, number))?;
        let after = wait_for(Duration::from_secs(5), || {
            let stats = session.envoy().statistic("meshwhy_local_replies_total").ok()?;
            Some(series(session.envoy())).filter(|_| stats >= 120)
        });
        let after = after.context("the failures were not counted")??;
        ensure!(after == wanted, "{labels:?} after many hosts and paths: {after:#?}");
        Ok(())
    })
}

#[test]
fn istio_shows_the_counters_with_labels_of_its_own_bootstrap() -> Result<()> {
    shows(
        Labels::Istio,
        &[
            r#"meshwhy_local_replies_total{component="outbound",tag="no-route",wasm_filter="4xx"}"#,
            r#"meshwhy_local_replies_total{component="outbound",tag="upstream-connection-refused",wasm_filter="5xx"}"#,
            r#"meshwhy_trace_context_total{cache="absent",component="outbound"}"#,
        ],
    )
}

#[test]
fn envoy_without_istio_shows_them_by_their_own_names() -> Result<()> {
    shows(
        Labels::Plain,
        &[
            r#"meshwhy_local_replies_total{cause="no-route",side="outbound",code_class="4xx"}"#,
            r#"meshwhy_local_replies_total{cause="upstream-connection-refused",side="outbound",code_class="5xx"}"#,
            r#"meshwhy_trace_context_total{side="outbound",trace_context="absent"}"#,
        ],
    )
}

/// Notes that a test was not run where there is no Prometheus.
fn available(test: &str) -> Result<Option<Programs>> {
    match programs() {
        Ok(programs) => Ok(Some(programs)),
        Err(why) => {
            NotRun::here().note(test, &why, "install Prometheus: https://prometheus.io/download")?;
            Ok(None)
        }
    }
}

#[test]
fn promtool_takes_the_rules_and_alerts_fire_as_they_should() -> Result<()> {
    let Some(programs) = available("promtool")? else { return Ok(()) };
    let directory = deployed("prometheus");
    programs.promtool(&["check", "rules", "causes.rules.yaml", "meshwhy.rules.yaml"], &directory)?;
    // Debian builds Prometheus without Kubernetes; all else of the configuration is looked at.
    let mut scrape: Value = serde_saphyr::from_str(&fs::read_to_string(directory.join("scrape.yaml"))?)?;
    for job in scrape.get_mut("scrape_configs").and_then(Value::as_array_mut).into_iter().flatten() {
        let discovery = job.as_object_mut().and_then(|job| job.remove("kubernetes_sd_configs"));
        ensure!(discovery == Some(json!([{"role": "pod"}])), "{discovery:?}");
    }
    scrape["rule_files"] = json!(["causes.rules.yaml", "meshwhy.rules.yaml"].map(|name| directory.join(name)));
    let checked = RunDirectory::new("scrape")?;
    fs::write(checked.path().join("scrape.json"), scrape.to_string())?;
    programs.promtool(&["check", "config", "scrape.json"], checked.path())?;
    let said = programs.promtool(&["test", "rules", "alerts.test.yaml"], &directory)?;
    ensure!(said.contains("SUCCESS"), "{said}");
    Ok(())
}

/// Has Envoy count all requests as Istio's own filter would.
fn count_requests(value: &mut Value) {
    let Some(loggers) = value.get_mut("access_log").and_then(Value::as_array_mut) else { return };
    let tag = |name: &str, format: &str| json!({"name": name, "value_format": format});
    loggers.push(json!({"name": "envoy.access_loggers.stats", "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.access_loggers.stats.v3.Config",
        "stat_prefix": "istio",
        "counters": [{"value_fixed": 1, "stat": {"name": "requests_total", "tags": [
            tag("reporter", "source"),
            tag("response_code", "%RESPONSE_CODE%"),
            tag("response_flags", "%RESPONSE_FLAGS%"),
            tag("source_workload", "shop"),
            tag("source_workload_namespace", "demo"),
            tag("destination_service", "reviews.demo.svc.cluster.local"),
        ]}}],
    }}));
}

/// Every query of a dashboard, with its variables filled.
fn queries(dashboard: &Value) -> Vec<String> {
    let targets = dashboard.get("panels").and_then(Value::as_array).into_iter().flatten();
    let targets = targets.filter_map(|panel| panel.get("targets")?.as_array()).flatten();
    let variables = dashboard.pointer("/templating/list").and_then(Value::as_array).into_iter().flatten();
    let expressions =
        targets.filter_map(|target| target.get("expr")).chain(variables.filter_map(|variable| variable.get("query")));
    expressions.filter_map(Value::as_str).filter(|query| *query != "prometheus").map(filled).collect()
}

/// A query as Grafana would send it where everything is chosen.
fn filled(query: &str) -> String {
    let inner = query.strip_prefix("label_values(").and_then(|rest| rest.strip_suffix(')'));
    let query = inner.map_or(query, |inner| inner.rsplit_once(", ").map_or(inner, |(series, _)| series));
    ["namespace", "workload"].iter().fold(query.to_owned(), |query, name| query.replace(&format!("${name}"), ".+"))
}

#[test]
fn a_run_of_faults_gives_data_to_every_query_of_the_dashboard_and_to_the_survey() -> Result<()> {
    let Some(programs) = available("dashboard")? else { return Ok(()) };
    let with_traffic = |setup: Setup| Setup { adjust: Some(count_requests), ..setup };
    let mut observed = setup(Some(Deployment::Observe));
    observed.wishes = json!({"records_per_interval": 1, "interval_ms": 1000});
    let scenario = scenario(Labels::Istio)?;
    let observe = Session::start(&scenario, &with_traffic(observed))?;
    let native = observe.beside(&scenario, &with_traffic(setup(Some(Deployment::Native))))?;
    let scraped = |session: &Session, workload: &str| json!({"targets": [session.envoy().admin_address().to_string()], "labels": {"namespace": "demo", "workload": workload}});
    let mut job: Value = serde_saphyr::from_str(&fs::read_to_string(deployed("prometheus/scrape.yaml"))?)?;
    let job = job.pointer_mut("/scrape_configs/0").context("no scrape configuration")?;
    let fields = job.as_object_mut().context("no object")?;
    fields.remove("kubernetes_sd_configs");
    fields.remove("relabel_configs");
    overlay(job, &json!({"static_configs": [scraped(&observe, "shop"), scraped(&native, "cart")]}));
    // Istio registers the namespace of its own filter, so that Envoy leaves its prefix out.
    let renamed = json!({"source_labels": ["__name__"], "regex": "envoy_(istio_requests_total)", "target_label": "__name__"});
    job.pointer_mut("/metric_relabel_configs").and_then(Value::as_array_mut).context("no list")?.push(renamed);
    let rules = ["causes.rules.yaml", "meshwhy.rules.yaml"].map(|name| deployed("prometheus").join(name));
    let prometheus = Prometheus::start(&programs, &configuration(&rules, &json!([job])))?;
    let dashboard: Value = serde_json::from_str(&fs::read_to_string(deployed("grafana/meshwhy.json"))?)?;
    let queries = queries(&dashboard);
    ensure!(queries.len() > 8, "{} queries are no dashboard", queries.len());
    observe.check(|observe| {
        let mut number = 0;
        // A rate needs two samples of a series, and a rule what was sampled.
        let silent = |queries: &[String]| -> Vec<String> {
            queries.iter().filter(|query| prometheus.query(query).is_ok_and(|found| found.is_empty())).cloned().collect()
        };
        let filled = wait_for(Duration::from_secs(60), || {
            number += 1;
            fail(observe, number).and_then(|()| fail(&native, number)).ok()?;
            silent(&queries).is_empty().then_some(())
        });
        ensure!(filled.is_some(), "no data for {:#?}", silent(&queries));
        for query in &queries {
            prometheus.query(query)?;
        }
        let (code, survey) = surveyed(&prometheus.url())?;
        let findings = survey.get("findings").and_then(Value::as_array).context("no findings")?;
        let has = |metric: &str, slug: &str, confidence: &str| {
            let expected = json!({"metric": metric, "slug": slug, "confidence": confidence});
            let is =
                |finding: &Value| expected.as_object().into_iter().flatten().all(|(key, value)| finding.get(key) == Some(value));
            findings.iter().any(is)
        };
        for (metric, slug, confidence) in [
            ("meshwhy_local_replies_total", "upstream-connection-refused", "likely"),
            ("meshwhy_local_replies_total", "no-route", "likely"),
            ("envoy_istio_meshwhy_failed_requests", "no-route", "likely"),
            ("istio_requests_total", "no-route", "likely"),
        ] {
            ensure!(has(metric, slug, confidence), "no {slug} of {metric}: {survey:#}");
        }
        ensure!(code == Some(1) && survey.get("counts_requests") == Some(&json!(true)), "{code:?}: {survey:#}");
        Ok(())
    })
}

/// What `meshwhy diagnose --prometheus` makes of it.
fn surveyed(url: &str) -> Result<(Option<i32>, Value)> {
    let arguments = ["diagnose", "--format", "json", "--prometheus", url];
    let output = Command::new(cli()?).args(arguments).output()?;
    let answer = serde_json::from_slice(&output.stdout).with_context(|| String::from_utf8_lossy(&output.stderr).into_owned())?;
    Ok((output.status.code(), answer))
}

#[test]
fn a_prometheus_without_proxies_is_no_all_clear() -> Result<()> {
    let Some(programs) = available("survey")? else { return Ok(()) };
    // Nobody listens there.
    let job = json!([{"job_name": "proxies", "static_configs": [{"targets": ["127.0.0.1:1"]}]}]);
    let prometheus = Prometheus::start(&programs, &configuration(&[], &job))?;
    let scraped = wait_for(Duration::from_secs(10), || prometheus.query("up").ok().filter(|up| !up.is_empty()));
    ensure!(scraped.is_some(), "nothing was scraped");
    let (code, survey) = surveyed(&prometheus.url())?;
    ensure!(code == Some(3), "{code:?}: {survey:#}");
    ensure!(survey.get("silent") == Some(&json!([{"job": "proxies", "down": 1, "of": 1}])), "{survey:#}");
    let states = survey.get("counters").and_then(Value::as_array).context("no counters")?;
    ensure!(states.iter().all(|counter| counter.get("state") == Some(&json!("absent"))), "{survey:#}");
    Ok(())
}

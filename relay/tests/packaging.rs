//! What is in `relay/packaging` names figures and causes that there are, and settings that there
//! are.

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use common::websocket::response;
use common::{config, start};
use peote_relay::Config;

fn packaged(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging").join(name)).unwrap()
}

/// Where the names of a cluster's figures are.
const CLUSTER_FIGURES: &str = include_str!("../src/cluster/figures.rs");

/// The words that begin so.
fn words<'a>(text: &'a str, begin: &'a str) -> BTreeSet<&'a str> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.filter(|word| word.starts_with(begin) && word.len() > begin.len()).collect()
}

#[test]
fn dashboard_and_alerts_ask_for_figures_that_there_are() {
    let relay = start(Config { metrics: true, ..config() });
    let page = response(&relay, b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let there = words(&page, "peote_relay_");
    for name in ["grafana.json", "alerts.yml"] {
        let text = packaged(name);
        let asked = words(&text, "peote_relay_");
        assert!(asked.len() > 4, "{name}");
        for figure in asked {
            // those of a cluster are on the page only where there is one, on a NATS server
            let is_there = match figure.strip_prefix("peote_relay_cluster_") {
                Some(of_cluster) => {
                    let of_cluster = of_cluster.trim_end_matches("_total");
                    CLUSTER_FIGURES.contains(&format!("\"{of_cluster}\","))
                }
                None => there.contains(figure),
            };
            assert!(is_there, "{name}: {figure}");
        }
    }
    // causes, which are one or several
    let alerts = packaged("alerts.yml");
    let causes = alerts.split("cause=\"").chain(alerts.split("cause=~\"")).skip(1);
    let causes = causes.filter_map(|text| text.split('"').next()).filter(|text| !text.contains(' '));
    for cause in causes.flat_map(|text| text.split('|')) {
        assert!(page.contains(&format!("cause=\"{cause}\"")), "{cause}");
    }
}

#[test]
fn the_dashboard_is_json_with_a_title_for_each_panel() {
    let dashboard: serde_json::Value = serde_json::from_str(&packaged("grafana.json")).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    assert!(panels.iter().all(|panel| panel["title"].is_string() && panel["targets"][0]["expr"].is_string()));
    let ids: BTreeSet<_> = panels.iter().map(|panel| panel["id"].as_u64().unwrap()).collect();
    assert_eq!(ids.len(), panels.len());
}

#[test]
fn samples_name_settings_that_there_are() {
    let settings = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("relay.toml")).unwrap();
    for name in ["nginx.conf", "haproxy.cfg", "peote-relay.service"] {
        let text = packaged(name);
        let comments = text.lines().filter_map(|line| line.strip_prefix('#'));
        let keys = comments.filter_map(|line| line.trim_start_matches(" relay.toml:").split_once(" = "));
        let keys = keys.map(|(key, _)| key.trim());
        let options = text.split_whitespace().filter_map(|word| word.strip_prefix("--"));
        let mut count = 0;
        for key in keys.chain(options).filter(|key| *key != "config") {
            count += 1;
            assert!(settings.contains(&format!("\n{key} = ")), "{name}: {key}");
        }
        assert!(count > 1, "{name}");
    }
}

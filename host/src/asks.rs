//! What a component asks for, compared with what the author granted, before anything is recorded as sent:
//! a backend that can only fail is held from the start, and the reason names the line that is missing.

use std::collections::BTreeMap;

use crate::egress::gate::not_granted;
use crate::error::StartError;
use crate::types::{Credential, Description, Placement};

/// The endpoints that were granted, and whether with a credential.
pub(crate) type Granted = BTreeMap<String, bool>;

/// Whether everything that the component cannot do without was granted.
pub(crate) fn compare(description: &Description, granted: &Granted) -> Result<(), StartError> {
    let missing: Vec<String> = description
        .endpoints
        .iter()
        .filter(|endpoint| endpoint.required && !granted.contains_key(&endpoint.name))
        .map(|endpoint| not_granted(&endpoint.name))
        .collect();
    if !missing.is_empty() {
        return Err(StartError::NotGranted(missing));
    }
    let keyless: Vec<String> = description
        .endpoints
        .iter()
        .filter(|endpoint| granted.get(&endpoint.name) == Some(&false))
        .filter_map(|endpoint| Some((endpoint, endpoint.credential.as_ref().filter(|it| it.required)?)))
        .map(|(endpoint, credential)| no_credential(&endpoint.name, credential))
        .collect();
    if keyless.is_empty() { Ok(()) } else { Err(StartError::NoCredential(keyless)) }
}

/// What to tell about a credential that the author has not given.
fn no_credential(endpoint: &str, credential: &Credential) -> String {
    let place = match &credential.placement {
        Placement::Header(name) => format!("header = \"{name}\""),
        Placement::Bearer | Placement::Other(_) => "bearer = true".to_owned(),
        Placement::Basic => "basic_user = \"…\"".to_owned(),
        Placement::Query(name) => format!("query = \"{name}\""),
    };
    let summary = match credential.summary.trim_end_matches('.') {
        "" => String::new(),
        summary => format!(" ({summary})"),
    };
    format!(
        "endpoint \"{endpoint}\" has no credential{summary}, and its vendor takes no request without one: add \
         `credential = {{ {place}, env = \"…\" }}` under [endpoints.{endpoint}] in telemetry.toml"
    )
}

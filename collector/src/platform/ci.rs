//! Is this a continuous integration system, and which?
//!
//! The list is that of the npm package `ci-info`, version 4.5.0 (`vendors.json`, and the general
//! variables of its `index.js`), <https://github.com/watson/ci-info>, MIT licence, copyright (c) 2016
//! Thomas Watson Steen. It is kept as data in that file's order, so that an update is a comparison.

use std::ffi::OsString;
use std::sync::OnceLock;

/// How a system makes itself known in the environment. Empty variables do not count.
enum Sign {
    /// The variable is set.
    Set(&'static str),
    /// All of them are.
    All(&'static [&'static str]),
    /// One of them is.
    Any(&'static [&'static str]),
    /// The variable has this value.
    Is(&'static str, &'static str),
    /// The variable's value contains this.
    Contains(&'static str, &'static str),
}

use Sign::{All, Any, Contains, Is, Set};

#[rustfmt::skip]
const VENDORS: [(&str, Sign); 55] = [
    ("Agola CI", Set("AGOLA_GIT_REF")),
    ("Alpic", Set("ALPIC_HOST")),
    ("Appcircle", Set("AC_APPCIRCLE")),
    ("AppVeyor", Set("APPVEYOR")),
    ("AWS CodeBuild", Set("CODEBUILD_BUILD_ARN")),
    ("Azure Pipelines", Set("TF_BUILD")),
    ("Bamboo", Set("bamboo_planKey")),
    ("Bitbucket Pipelines", Set("BITBUCKET_COMMIT")),
    ("Bitrise", Set("BITRISE_IO")),
    ("Buddy", Set("BUDDY_WORKSPACE_ID")),
    ("Buildkite", Set("BUILDKITE")),
    ("Capawesome Cloud", Set("CAPAWESOME_CLOUD")),
    ("CircleCI", Set("CIRCLECI")),
    ("Cirrus CI", Set("CIRRUS_CI")),
    ("Cloudflare Pages", Set("CF_PAGES")),
    ("Cloudflare Workers", Set("WORKERS_CI")),
    ("Codefresh", Set("CF_BUILD_ID")),
    ("Codemagic", Set("CM_BUILD_ID")),
    ("Codeship", Is("CI_NAME", "codeship")),
    ("Drone", Set("DRONE")),
    ("dsari", Set("DSARI")),
    ("Earthly", Set("EARTHLY_CI")),
    ("Expo Application Services", Set("EAS_BUILD")),
    ("Gerrit", Set("GERRIT_PROJECT")),
    ("Gitea Actions", Set("GITEA_ACTIONS")),
    ("GitHub Actions", Set("GITHUB_ACTIONS")),
    ("GitLab CI", Set("GITLAB_CI")),
    ("GoCD", Set("GO_PIPELINE_LABEL")),
    ("Google Cloud Build", Set("BUILDER_OUTPUT")),
    ("Harness CI", Set("HARNESS_BUILD_ID")),
    ("Heroku", Contains("NODE", "/app/.heroku/node/bin/node")),
    ("Hudson", Set("HUDSON_URL")),
    ("Jenkins", All(&["JENKINS_URL", "BUILD_ID"])),
    ("LayerCI", Set("LAYERCI")),
    ("Magnum CI", Set("MAGNUM")),
    ("Netlify CI", Set("NETLIFY")),
    ("Nevercode", Set("NEVERCODE")),
    ("Prow", Set("PROW_JOB_ID")),
    ("ReleaseHub", Set("RELEASE_BUILD_ID")),
    ("Render", Set("RENDER")),
    ("RWX", Set("RWX")),
    ("Sail CI", Set("SAILCI")),
    ("Screwdriver", Set("SCREWDRIVER")),
    ("Semaphore", Set("SEMAPHORE")),
    ("Sourcehut", Is("CI_NAME", "sourcehut")),
    ("Strider CD", Set("STRIDER")),
    ("TaskCluster", All(&["TASK_ID", "RUN_ID"])),
    ("TeamCity", Set("TEAMCITY_VERSION")),
    ("Travis CI", Set("TRAVIS")),
    ("Vela", Set("VELA")),
    ("Vercel", Any(&["NOW_BUILDER", "VERCEL"])),
    ("Visual Studio App Center", Set("APPCENTER_BUILD_ID")),
    ("Woodpecker", Is("CI", "woodpecker")),
    ("Xcode Cloud", Set("CI_XCODE_PROJECT")),
    ("Xcode Server", Set("XCS")),
];

/// What systems that are not listed set. Any of them makes a run one of CI.
const GENERAL: [&str; 9] = [
    "BUILD_ID",
    "BUILD_NUMBER",
    "CI",
    "CI_APP_ID",
    "CI_BUILD_ID",
    "CI_BUILD_NUMBER",
    "CI_NAME",
    "CONTINUOUS_INTEGRATION",
    "RUN_ID",
];

/// The name of a system that is not listed.
pub const UNKNOWN: &str = "unknown";

/// The CI system that this process runs in, as it was when that was asked first: both the origin and the way to
/// a sender depend on it, and seventy variables are not asked for twice.
pub(crate) fn current() -> Option<&'static str> {
    static CURRENT: OnceLock<Option<&str>> = OnceLock::new();
    *CURRENT.get_or_init(|| ci_system(&|name| std::env::var_os(name)))
}

/// The name of the CI system that an environment is of; [`UNKNOWN`] for one that is not listed.
/// `CI=false` says that it is none, whatever else is set.
///
/// ```
/// let name = telemetry::ci_system(&|name| (name == "GITHUB_ACTIONS").then(|| "true".into()));
/// assert_eq!(name, Some("GitHub Actions"));
/// ```
#[must_use]
pub fn ci_system(environment: &dyn Fn(&str) -> Option<OsString>) -> Option<&'static str> {
    if environment("CI").is_some_and(|value| value == "false") {
        return None;
    }
    let set = |name: &str| environment(name).is_some_and(|value| !value.is_empty());
    let shows = |sign: &Sign| match sign {
        Set(name) => set(name),
        All(names) => names.iter().all(|name| set(name)),
        Any(names) => names.iter().any(|name| set(name)),
        Is(name, value) => environment(name).is_some_and(|is| is == *value),
        Contains(name, part) => environment(name).is_some_and(|is| is.to_string_lossy().contains(part)),
    };
    // The first of the list that shows would hide a more special one behind it: ci-info, too, names
    // the last.
    let listed = VENDORS.iter().rev().find(|(_, sign)| shows(sign)).map(|(name, _)| *name);
    listed.or_else(|| GENERAL.iter().any(|name| set(name)).then_some(UNKNOWN))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn system(variables: &[(&str, &str)]) -> Option<&'static str> {
        let variables: BTreeMap<_, _> = variables.iter().copied().collect();
        ci_system(&|name| variables.get(name).map(OsString::from))
    }

    #[test]
    fn every_listed_system_is_named_by_its_own_sign() {
        for (name, sign) in &VENDORS {
            let variables: Vec<(&str, &str)> = match sign {
                Set(variable) => vec![(variable, "1")],
                All(all) => all.iter().map(|variable| (*variable, "1")).collect(),
                Any(any) => vec![(any[any.len() - 1], "1")],
                Is(variable, value) => vec![(variable, value)],
                Contains(variable, part) => vec![(variable, part)],
            };
            assert_eq!(system(&variables), Some(*name), "{variables:?}");
        }
    }

    #[test]
    fn a_system_that_is_not_listed_is_recognised_by_what_all_set() {
        for name in GENERAL {
            assert_eq!(system(&[(name, "yes")]), Some(UNKNOWN), "{name}");
            assert_eq!(system(&[(name, "")]), None, "{name}");
        }
        assert_eq!(system(&[]), None);
        assert_eq!(system(&[("CI_NAME", "somebody's")]), Some(UNKNOWN));
        assert_eq!(system(&[("JENKINS_URL", "http://j")]), None, "Jenkins has two signs");
    }

    #[test]
    fn ci_false_says_that_it_is_none() {
        assert_eq!(system(&[("CI", "false"), ("GITHUB_ACTIONS", "true")]), None);
        assert_eq!(system(&[("CI", "0"), ("GITHUB_ACTIONS", "true")]), Some("GitHub Actions"));
    }
}

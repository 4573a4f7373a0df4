//! The trust between operator and broker: an authority of one's own, a wrong one, and passwords that change. The operator
//! follows its Secret without a restart.

use std::{
    fs,
    panic::{AssertUnwindSafe, resume_unwind},
    time::Instant,
};

use futures::FutureExt;
use k8s_openapi::api::core::v1::Secret;
use kube::{
    Api, ResourceExt,
    api::{DeleteParams, LogParams},
};
use omotes_operator::testing::api::names;
use reqwest::Url;

use super::Fleet;
use crate::support::{
    bed::{PATIENCE, testbed, variable, verdict},
    broker as rabbit,
    operator::{Operator, installer},
    until,
};

const USERS: [&str; 2] = ["omotes-operator", "omotes-courier"];

/// What the broker's Secret is made of.
#[derive(Clone)]
struct Access {
    operator: String,
    courier: String,
    management: String,
    ca: Option<String>,
}

impl Access {
    /// As `make up` installs it.
    fn usual() -> Self {
        Self {
            operator: variable("OMOTES_POD_AMQP_URI"),
            courier: variable("OMOTES_COURIER_AMQP_URI"),
            management: variable("OMOTES_POD_MANAGEMENT_URI"),
            ca: None,
        }
    }

    /// Over TLS, trusting the authority in the PEM file `ca`.
    fn encrypted(ca: String) -> Self {
        let (operator, courier) = (variable("OMOTES_POD_AMQPS_URI"), variable("OMOTES_COURIER_AMQPS_URI"));
        Self { operator, courier, ca: Some(ca), ..Self::usual() }
    }

    /// The same with other passwords.
    fn with_password(self, password: &str) -> Self {
        let changed = |uri: String| {
            let mut uri = Url::parse(&uri).unwrap();
            uri.set_password(Some(password)).unwrap();
            uri.to_string()
        };
        Self {
            operator: changed(self.operator),
            courier: changed(self.courier),
            management: changed(self.management),
            ca: self.ca,
        }
    }

    /// Installs the operator with it, by the repository's own script, and waits until it can see it.
    async fn install(&self, operator: &Operator) {
        let done = installer()
            .env("OMOTES_POD_AMQP_URI", &self.operator)
            .env("OMOTES_COURIER_AMQP_URI", &self.courier)
            .env("OMOTES_POD_MANAGEMENT_URI", &self.management)
            .env("OMOTES_BROKER_CA", self.ca.as_deref().unwrap_or_default())
            .output()
            .unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        let ca = self.ca.as_ref().map(|file| fs::read_to_string(file).unwrap()).unwrap_or_default();
        operator.sees(&[("amqp-uri", self.operator.clone()), ("ca.crt", ca)]).await;
    }
}

async fn disconnect() {
    for user in USERS {
        rabbit::disconnect(user).await;
    }
}

/// Waits until the leader says so of itself.
async fn leader_says(operator: &Operator, words: &str) -> String {
    until(&format!("the leader says {words:?}"), PATIENCE, || async {
        let readiness = operator.readiness(&operator.leader().await).await;
        if readiness.contains(words) { Ok(readiness) } else { Err(readiness) }
    })
    .await
}

async fn pods(operator: &Operator) -> (Vec<String>, i32) {
    let pods = operator.replicas().await;
    (pods.iter().map(ResourceExt::name_any).collect(), operator.restarts().await)
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the test bed: make test"]
async fn tls_is_believed_from_its_own_authority_and_no_other() {
    let operator = Operator::settled().await;
    let before = pods(&operator).await;
    let mut fleet = Fleet::new("tls").await;
    let tried = AssertUnwindSafe(encrypted(&operator, &mut fleet)).catch_unwind().await;
    Access::usual().install(&operator).await;
    operator.connected().await;
    if let Err(panic) = tried {
        resume_unwind(panic);
    }
    assert_eq!(pods(&operator).await, before, "all that without a restart");
    fleet.ends_well().await;
}

async fn encrypted(operator: &Operator, fleet: &mut Fleet) {
    let ca = variable("OMOTES_BROKER_CA");
    Access::encrypted(ca.clone()).install(operator).await;
    disconnect().await;
    operator.connected().await;
    until("the operator speaks to the broker through TLS", PATIENCE, || async {
        let connections = rabbit::connections("omotes-operator").await;
        let all = connections.iter().all(|connection| connection["ssl"] == true);
        if all && !connections.is_empty() { Ok(()) } else { Err(format!("{connections:?}")) }
    })
    .await;
    fleet.start("encrypted", 1.0).await;
    fleet.space.ended("encrypted").await;

    Access::encrypted(ca.replace("broker-ca", "cluster-ca")).install(operator).await;
    disconnect().await;
    let problem = leader_says(operator, "certificate").await;
    println!("{problem}");
    until("the log says why there is no connection", PATIENCE, || async {
        let log = operator.pods.logs(&operator.leader().await, &LogParams::default()).await.unwrap();
        let said = log.lines().any(|line| line.contains("no connection to the broker") && line.contains("certificate"));
        if said { Ok(()) } else { Err(log) }
    })
    .await;
    let id = fleet.start("waits", 1.0).await;
    let waits = fleet.space.wait("waits", "waits", |job| verdict(job, "Reconciling") == "True BrokerUnreachable").await;
    assert!(format!("{:?}", waits.status).contains("certificate"), "{:?}", waits.status);
    let published: Vec<String> = rabbit::depths().await.into_keys().filter(|queue| queue.contains(&id)).collect();
    assert_eq!(published, Vec::<String>::new(), "nothing is said to a broker that is not believed");
}

/// As when somebody deletes it, or the whole namespace, and makes it anew.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the test bed: make test"]
async fn a_removed_secret_comes_back_with_the_next_job() {
    let mut fleet = Fleet::new("removed").await;
    let secrets: Api<Secret> = Api::namespaced(fleet.space.client.clone(), &fleet.space.name);
    for name in ["first", "next"] {
        fleet.start(name, 0.1).await;
        fleet.space.ended(name).await;
        secrets.delete(names::SECRET_COURIER, &DeleteParams::default()).await.unwrap();
    }
    fleet.ends_well().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the test bed: make test"]
async fn changed_passwords_need_no_restart() {
    let operator = Operator::settled().await;
    let before = pods(&operator).await;
    let mut fleet = Fleet::new("rotation").await;
    fleet.start("old-password", 0.1).await;
    fleet.space.ended("old-password").await;
    let tried = AssertUnwindSafe(rotated(&operator, &mut fleet)).catch_unwind().await;
    for (user, uri) in USERS.into_iter().zip([Access::usual().operator, Access::usual().courier]) {
        testbed(&["broker", "cli", "change_password", user, Url::parse(&uri).unwrap().password().unwrap()]);
    }
    Access::usual().install(&operator).await;
    disconnect().await;
    operator.connected().await;
    if let Err(panic) = tried {
        resume_unwind(panic);
    }
    assert_eq!(pods(&operator).await, before, "all that without a restart");
    fleet.ends_well().await;
}

async fn rotated(operator: &Operator, fleet: &mut Fleet) {
    let password = format!("{:032x}", fastrand::u128(..));
    for user in USERS {
        testbed(&["broker", "cli", "change_password", user, &password]);
    }
    disconnect().await;
    let refused = leader_says(operator, "check user and password").await;
    println!("{refused}");
    let access = Access::usual().with_password(&password);
    let began = Instant::now();
    access.install(operator).await;
    let seen = began.elapsed();
    operator.connected().await;
    println!("installed and seen after {seen:.1?}, connected after {:.1?}", began.elapsed());
    fleet.start("new-password", 0.1).await;
    fleet.space.ended("new-password").await;
    let secrets: Api<Secret> = Api::namespaced(operator.client.clone(), &fleet.space.name);
    let brought = secrets.get(names::SECRET_COURIER).await.unwrap().data.unwrap().remove("amqp-uri").unwrap();
    assert_eq!(String::from_utf8(brought.0).unwrap(), access.courier, "the next job brought the new password along");
}

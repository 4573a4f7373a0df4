//! Namespaces, names and addresses.

use crate::support::bed::{Space, cause, kubectl};

/// As `kubectl create job --dry-run=client --output yaml` writes a template, with a limit that is shorter than the default
/// grace of 30 s.
const MANIFEST: &str = r#"
apiVersion: omotes.io/v1alpha1
kind: OmotesJob
metadata:
  creationTimestamp: null
  name: generated
spec:
  courier: {enabled: false}
  maxRunSeconds: 10
  template:
    metadata:
      creationTimestamp: null
      name: generated
    spec:
      securityContext: {runAsNonRoot: true, runAsUser: 10001, seccompProfile: {type: RuntimeDefault}}
      containers:
      - image: localhost/busybox:1
        name: generated
        command: ["true"]
        resources: {}
        securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
      restartPolicy: Never
status: {}
"#;

/// What tools write for batch/v1 is taken, and a limit may be shorter than the grace: kubectl validates strictly here.
#[tokio::test]
#[ignore = "needs the test bed"]
async fn a_generated_template_and_a_limit_below_the_grace_are_accepted() {
    let space = Space::new("generated").await;
    let (applied, said) = kubectl(&["apply", "--namespace", &space.name, "--filename", "-"], Some(MANIFEST));
    assert!(applied, "{said}");
    assert_eq!(cause(&space.ended("generated").await), "Completed");
    space.remove().await;
}

//! One container: its program or its courier, the signals that reach it, and how often it is started.

use std::{
    future::{pending, ready},
    sync::Arc,
    time::Duration,
};

use futures::future::BoxFuture;
use kube::ResourceExt;
use omotes_operator::testing::api::names;
use tokio::time::sleep;

use super::{
    container::Role,
    courier::{Courier, Couriers as _, simple},
    lives::Life,
    pod,
    program::{AtSigterm, Exit, Outset, Program, Start},
    watched::Watched,
    worker::Worker,
};

/// How long a sidecar that has ended waits for its next start; the first time not at all.
const FIRST_BACKOFF: Duration = Duration::from_secs(10);
const MOST_BACKOFF: Duration = Duration::from_secs(300);

/// What reached a container; a later one is the harder one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Signal {
    None,
    Terminate,
    Kill,
    /// The kernel's, for its memory.
    OutOfMemory,
}

/// Waits for SIGTERM.
pub(super) async fn terminated(signal: &Watched<Signal>) {
    signal.until(|signal| *signal != Signal::None).await;
}

/// Waits until the container is killed.
async fn killed(signal: &Watched<Signal>) -> Exit {
    let exit = |signal: &Signal| match signal {
        Signal::None | Signal::Terminate => None,
        Signal::Kill => Some(Exit::killed()),
        Signal::OutOfMemory => Some(Exit::out_of_memory()),
    };
    signal.find(exit).await
}

impl Worker {
    /// Runs the container at this place to its last end.
    pub(super) async fn run(self: Arc<Self>, place: usize) {
        // It was to be started in the moment in which the pod was to end.
        if self.is_ending() {
            return;
        }
        match self.role(place) {
            Role::Regular => self.run_regular(place).await,
            Role::Init => self.run_init(place).await,
            Role::Sidecar => self.keep_running(place).await,
        }
    }

    /// Starts a sidecar again and again, until it is told to stop.
    async fn keep_running(self: &Arc<Self>, place: usize) {
        let mut backoff = Duration::ZERO;
        loop {
            self.run_init(place).await;
            if self.is_ending() {
                return;
            }
            if !backoff.is_zero() {
                self.change(place, |container| container.back_off("restarting failed container"));
            }
            // A container that a test killed is no more than that.
            self.signals[place].change(|signal| *signal = Signal::None);
            tokio::select! {
                biased;
                () = terminated(&self.signals[place]) => return,
                () = sleep(backoff) => {}
            }
            backoff = (backoff * 2).clamp(FIRST_BACKOFF, MOST_BACKOFF);
        }
    }

    async fn run_init(self: &Arc<Self>, place: usize) {
        let now = self.now();
        self.change(place, |container| container.start(now));
        let container = self.name(place);
        let is_courier = [names::CONTAINER_COURIER, names::CONTAINER_COURIER_INPUT].contains(&container.as_str());
        let courier = Courier { container, place, worker: self.clone() };
        let run: BoxFuture<'static, Exit> = match self.role(place) {
            _ if is_courier => self.cluster.couriers.run(courier),
            Role::Sidecar => simple("").run(courier),
            Role::Init | Role::Regular => Box::pin(ready(Exit::code(0))),
        };
        let exit = tokio::select! {
            biased;
            exit = killed(&self.signals[place]) => exit,
            exit = run => exit,
        };
        self.ends(place, &exit);
    }

    async fn run_regular(&self, place: usize) {
        let container = self.name(place);
        let is_main = container == pod::main(&self.pod());
        let is_warm = is_main && pod::is_warm(&self.pod());
        let program = if is_warm { Program::forever() } else { self.program(&container) };
        if let Outset::Waits(reason, message) = &program.start {
            return self.change(place, |known| known.wait(reason, message));
        }
        let life = self.begins(place, &container, is_main);
        let exit = if is_warm { self.wait_and_work(place, life).await } else { self.work(place, &program).await };
        if is_main {
            self.main.change(|main| main.end = Some(exit.clone()));
        }
        self.cluster.lives.end(life, self.now());
        self.ends(place, &exit);
    }

    fn program(&self, container: &str) -> Program {
        (self.cluster.programs)(&Start { pod: &self.pod(), container })
    }

    /// The regular container at this place runs from now on; returns by what its life is known.
    fn begins(&self, place: usize, container: &str, is_main: bool) -> usize {
        let (now, pod) = (self.now(), self.pod());
        self.change(place, |known| known.start(now));
        if is_main {
            self.main.change(|main| main.has_started = true);
        }
        self.cluster.lives.begin(Life {
            namespace: pod.namespace().unwrap_or_default(),
            pod: pod.name_any(),
            uid: pod.uid().unwrap_or_default(),
            node: self.node.name.clone(),
            container: container.to_owned(),
            is_main,
            job: Start { pod: &pod, container }.job().to_owned(),
            began: now,
            ended: None,
        })
    }

    fn ends(&self, place: usize, exit: &Exit) {
        let now = self.now();
        self.change(place, |container| container.end(exit.clone(), now));
    }

    /// Main of a warm pod waits for its input, and does then what its program is.
    async fn wait_and_work(&self, place: usize, life: usize) -> Exit {
        let waits = Program::forever();
        tokio::select! {
            biased;
            exit = self.work(place, &waits) => return exit,
            () = self.main.until(|main| main.has_input) => {}
        }
        let container = pod::main(&self.pod());
        let job = Start { pod: &self.pod(), container: &container }.job().to_owned();
        self.cluster.lives.assign(life, &job, self.now());
        self.work(place, &self.program(&container)).await
    }

    async fn work(&self, place: usize, program: &Program) -> Exit {
        let signal = &self.signals[place];
        tokio::select! {
            biased;
            exit = ends_by_itself(program) => exit,
            exit = killed(signal) => exit,
            exit = ends_at_sigterm(signal, program) => exit,
        }
    }
}

async fn ends_by_itself(program: &Program) -> Exit {
    let Some((after, exit)) = &program.end else { return pending().await };
    sleep(*after).await;
    exit.clone()
}

async fn ends_at_sigterm(signal: &Watched<Signal>, program: &Program) -> Exit {
    terminated(signal).await;
    match &program.at_sigterm {
        AtSigterm::Dies => Exit::terminated(),
        AtSigterm::Ends(after, exit) => {
            sleep(*after).await;
            exit.clone()
        }
        AtSigterm::Ignores => pending().await,
    }
}

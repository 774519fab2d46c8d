//! One role as a process: takes what the supervisor hands over, serves its link, builds its room, and ends when it is told to
//! or when the link closes.

mod rings;
mod troubles;

use std::ffi::OsString;
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use flowork_ports::roles::{Role, RoleStatus, Trouble};
use flowork_ports::{Bell, Documents, Engines, Ring};
use flowork_protocol::wire::{self, Party, Refusal, Verb};
use flowork_store::Layout;
use tokio::net::UnixStream;
use tokio::sync::{oneshot, watch};
use tokio::task::{JoinError, JoinHandle};
use tokio_util::sync::CancellationToken;

use crate::config::Environment;
use crate::documents_link;
use crate::link::{self, Link, Serve};
use crate::mesh_link::{self, NoMesh};
use crate::rooms::{self, Folders};
use crate::supervisor::handover;
use crate::supervisor::start::{ROLES, Start, party};
use crate::visits_link::Board;

/// How long the last words of a role that does not come up may take.
const HEARD_WITHIN: Duration = Duration::from_secs(1);
/// How long the first notice may take.
const START_WITHIN: Duration = Duration::from_secs(10);
/// How long a role takes at most to end in good order; the supervisor kills it a little later.
const CLOSE_WITHIN: Duration = Duration::from_secs(8);

/// The entry of `flowork __role ROLE --parent PID`.
pub(crate) fn main(mut args: impl Iterator<Item = OsString>) -> ExitCode {
    let word = args.next().unwrap_or_default();
    let parent = args.nth(1).and_then(|pid| pid.to_str()?.parse::<i32>().ok());
    let role = ROLES.into_iter().find(|role| word == party(*role).word());
    let (Some(role), Some(parent)) = (role, parent) else {
        eprintln!("this is how the supervisor starts its roles; run `flowork up`");
        return ExitCode::from(crate::cli::fail::USAGE);
    };
    crate::init_log(&Environment::read(), true);
    match run(role, parent) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(role = party(role).word(), "{error:#}");
            ExitCode::from(crate::cli::fail::FAILED)
        }
    }
}

fn run(role: Role, parent: i32) -> anyhow::Result<()> {
    use anyhow::Context as _;
    // Also when the supervisor is killed so hard that it closes nothing in order.
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
    anyhow::ensure!(
        rustix::process::getppid().map(rustix::process::Pid::as_raw_nonzero).map(std::num::NonZero::get)
            == Some(parent),
        "the supervisor is gone already"
    );
    name_process(role);
    let files = handover::receive(std::io::stdin()).context("the supervisor handed nothing over")?;
    let mut files = files.into_iter();
    let link = files.next().context("the supervisor handed over no link")?;
    // Held, not used: the directory stays locked until the last role is gone.
    let _lock = files.next().context("the supervisor handed over no lock")?;
    let runtime = runtime(role).context("cannot start a runtime")?;
    let ended = runtime.block_on(live(role, link, files.next()));
    // What still blocks a thread must not hold up the end: everything that counts is on disk.
    runtime.shutdown_timeout(Duration::from_secs(1));
    ended
}

/// So that `ps` and `top` tell the roles apart.
fn name_process(role: Role) {
    let name = format!("flowork-{}", party(role).word());
    if let Ok(name) = std::ffi::CString::new(name) {
        // A process with another name works as well.
        let _ = rustix::thread::set_name(&name);
    }
}

fn runtime(role: Role) -> std::io::Result<tokio::runtime::Runtime> {
    let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    let mut builder = match role {
        Role::Kernel => tokio::runtime::Builder::new_multi_thread(),
        Role::Gateway | Role::Mesh => tokio::runtime::Builder::new_multi_thread(),
        Role::Docs => tokio::runtime::Builder::new_current_thread(),
    };
    builder.worker_threads(if role == Role::Kernel { cores.max(2) } else { 2 }).enable_all().build()
}

async fn live(role: Role, link: OwnedFd, extra: Option<OwnedFd>) -> anyhow::Result<()> {
    use anyhow::Context as _;
    let me = party(role);
    let stream = std::os::unix::net::UnixStream::from(link);
    stream.set_nonblocking(true)?;
    let (told, start) = oneshot::channel();
    let desk = Arc::new(Desk {
        me,
        bell: Bell::default(),
        stop: CancellationToken::new(),
        told: Mutex::new(Some(told)),
        roles: watch::Sender::new(Vec::new()),
        service: OnceLock::new(),
    });
    let mut first_id = [0; 8];
    getrandom::fill(&mut first_id).map_err(|error| anyhow::anyhow!("the system gives no random bytes: {error}"))?;
    // Half the numbers are left for counting up.
    let first_id = u64::from_le_bytes(first_id) >> 1;
    let (link, linked) = link::open(UnixStream::from_std(stream)?, me, first_id, desk.clone());
    let start = tokio::time::timeout(START_WITHIN, start).await.context("the supervisor told nothing")??;
    anyhow::ensure!(start.wire == wire::VERSION, "the supervisor speaks version {} of links", start.wire);
    let mut sending = tokio::spawn(rings::send(desk.bell.clone(), me, link.clone()));
    let mut room = match Room::open(role, start, extra, &link, &desk).await {
        Ok(room) => room,
        Err(error) => {
            troubles::tell(&link, &[troubles::of(role, &error)]).await;
            // Heard when it is told to stop; a supervisor that does not listen is not waited for.
            let _ = tokio::time::timeout(HEARD_WITHIN, desk.stop.cancelled()).await;
            return Err(error);
        }
    };
    link.tell(Verb::Ready, Vec::new()).await?;
    let telling = tokio::spawn(troubles::tell_all(link.clone(), room.troubles()));
    let rings = async { if let Err(error) = (&mut sending).await { error } else { std::future::pending().await } };
    let over = over(me, linked, &desk.stop, room.ended(), rings).await;
    desk.stop.cancel();
    if tokio::time::timeout(CLOSE_WITHIN, room.close()).await.is_err() {
        tracing::error!(role = me.word(), "the role did not end in good order; what counts is on disk");
    }
    sending.abort();
    telling.abort();
    over
}

/// Waits until the role has nothing more to do; an error unless it was told to end or the link was closed in good order.
async fn over(
    me: Party, linked: JoinHandle<Result<(), link::Error>>, stop: &CancellationToken,
    room_ended: impl Future<Output = Ended>, rings_broke: impl Future<Output = JoinError>,
) -> anyhow::Result<()> {
    use anyhow::Context as _;
    tokio::select! {
        biased;
        () = stop.cancelled() => Ok(()),
        ended = linked => {
            ended.context("what reads the link to the supervisor broke")?.context("the link to the supervisor broke")
        }
        // Only a fresh process helps; the supervisor starts one when this one ends.
        how = room_ended => match how {
            Ended::Anew => {
                tracing::info!(role = me.word(), "its settings changed: it is started anew");
                Ok(())
            }
            Ended::Broke => anyhow::bail!("the {} ended by itself", me.word()),
        },
        error = rings_broke => Err(error).context("what sends rings to the other roles broke"),
    }
}

/// How a room ended that was not told to.
#[derive(Debug, Clone, Copy)]
enum Ended {
    /// To be started anew, as it is set now.
    Anew,
    /// It should not have.
    Broke,
}

/// What a role's process holds once it runs.
enum Room {
    Gateway(flowork_gateway::Handle),
    Kernel(rooms::Kernel),
    Docs(flowork_documents::Handle),
    /// What ends when its settings have changed.
    Mesh(JoinHandle<()>),
}

impl Room {
    async fn open(
        role: Role, start: Start, extra: Option<OwnedFd>, link: &Link, desk: &Arc<Desk>,
    ) -> anyhow::Result<Self> {
        use anyhow::Context as _;
        let folders = Folders { data: start.data.clone(), home: start.home.clone() };
        let (bell, stop) = (desk.bell.clone(), desk.stop.clone());
        Ok(match role {
            Role::Mesh => {
                let key = handover::read_key(extra.context("the supervisor handed over no key")?)?;
                let seed: [u8; 32] = key.as_slice().try_into().context("the node key is not 32 bytes")?;
                let layout = Layout::open(&start.data)?;
                let (mesh, changed) =
                    rooms::mesh(&layout, flowork_mesh::Seed::new(seed), &start.mesh, bell, stop).await?;
                anyhow::ensure!(mesh.node_id() == start.node_id, "the key that was handed over is another node's");
                let engines: Arc<dyn Engines> = Arc::new(mesh.clone());
                let _ = desk.service.set(Service::Mesh(mesh, engines, link.clone(), mesh_link::Desk::default()));
                Self::Mesh(tokio::spawn(changed))
            }
            Role::Docs => {
                let layout = Layout::open(&start.data)?;
                let (library, _workers) = rooms::library(&folders, Arc::new(NoMesh));
                let documents = rooms::docs(&layout, library, bell, stop).await?;
                let service = Service::Docs(Arc::new(documents.clone()), link.clone(), Board::default());
                let _ = desk.service.set(service);
                Self::Docs(documents)
            }
            Role::Kernel => {
                let layout = Layout::open(&start.data)?;
                let identity = handover::read_key(extra.context("the supervisor handed over no key")?)?;
                let identity = std::str::from_utf8(&identity).context("the vault key is not text")?;
                let calls = mesh_link::Calls::default();
                let engines = mesh_link::Engines::new(link.clone(), calls.clone());
                let _ = desk.service.set(Service::Kernel(calls));
                let library = rooms::library(&folders, Arc::new(engines));
                Self::Kernel(rooms::kernel(&layout, library, identity, bell, &stop)?)
            }
            Role::Gateway => {
                let layout = Layout::open(&start.data)?;
                let listener = TcpListener::from(extra.context("the supervisor handed over no socket")?);
                let visits = Board::default();
                let calls = mesh_link::Calls::default();
                let engines = mesh_link::Engines::new(link.clone(), calls.clone());
                let _ = desk.service.set(Service::Gateway(link.clone(), visits.clone(), calls));
                let parts = rooms::GatewayParts {
                    start,
                    listener: Some(listener),
                    documents: Arc::new(documents_link::Client::new(link.clone(), visits)),
                    mesh: Arc::new(mesh_link::Client::new(link.clone())),
                    engines: Arc::new(engines),
                    roles: desk.roles.subscribe(),
                };
                let (library, _workers) = rooms::library(&folders, Arc::new(NoMesh));
                Self::Gateway(rooms::gateway(&layout, library, parts, bell, stop).await?)
            }
        })
    }

    /// Waits until the service inside has ended, told to or by itself, and says why.
    async fn ended(&mut self) -> Ended {
        match self {
            // A fresh process takes part as it is set now; what runs is taken up again.
            Self::Mesh(changed) => {
                // It does not break, and if it did a fresh process would help as well.
                let _ = changed.await;
                return Ended::Anew;
            }
            Self::Gateway(handle) => handle.ended().await,
            Self::Kernel(kernel) => kernel.ended().await,
            Self::Docs(handle) => handle.over().await,
        }
        Ended::Broke
    }

    /// The files that give it trouble, if it ever says so.
    fn troubles(&self) -> Option<watch::Receiver<Vec<Trouble>>> {
        match self {
            Self::Kernel(kernel) => Some(kernel.troubles.clone()),
            Self::Gateway(_) | Self::Docs(_) | Self::Mesh(_) => None,
        }
    }

    /// Ends in good order; the desk's token is cancelled already.
    async fn close(self) {
        match self {
            Self::Gateway(handle) => handle.ended().await,
            Self::Kernel(kernel) => kernel.stop().await,
            Self::Docs(handle) => handle.ended().await,
            Self::Mesh(changed) => changed.abort(),
        }
    }
}

/// What the role does for others.
enum Service {
    Gateway(Link, Board, mesh_link::Calls),
    Docs(Arc<dyn Documents>, Link, Board),
    Kernel(mesh_link::Calls),
    Mesh(flowork_mesh::Handle, Arc<dyn Engines>, Link, mesh_link::Desk),
}

/// Takes what comes over the link.
struct Desk {
    me: Party,
    bell: Bell,
    stop: CancellationToken,
    told: Mutex<Option<oneshot::Sender<Start>>>,
    roles: watch::Sender<Vec<RoleStatus>>,
    service: OnceLock<Service>,
}

#[async_trait]
impl Serve for Desk {
    async fn call(&self, from: Party, verb: Verb, body: Vec<u8>) -> Result<Vec<u8>, Refusal> {
        let unreadable = |_| Refusal::Unreadable(self.me);
        match (self.service.get(), verb) {
            (Some(Service::Docs(documents, ..)), Verb::Documents) => documents_link::answer(&**documents, &body).await,
            (Some(Service::Docs(documents, link, visits)), Verb::Visit) => {
                visits.hear(self.me, link, Some(&**documents), &body).await
            }
            (Some(Service::Gateway(link, visits, _)), Verb::Visit) => visits.hear(self.me, link, None, &body).await,
            (Some(Service::Mesh(mesh, ..)), Verb::Mesh) => mesh_link::answer(mesh, &body).await,
            (Some(Service::Mesh(_, engines, link, calls)), Verb::Engine) => calls.hear(from, link, engines, &body),
            (Some(Service::Kernel(calls) | Service::Gateway(_, _, calls)), Verb::Engine) => {
                calls.hear(self.me, &body).await
            }
            (Some(Service::Mesh(mesh, ..)), Verb::NodeId) => wire::to_body(&mesh.node_id()).map_err(unreadable),
            (Some(Service::Mesh(mesh, ..)), Verb::Sign) => {
                let (domain, message): (String, Vec<u8>) = wire::from_body(&body).map_err(unreadable)?;
                let signature = mesh.sign(&domain, &message).map_err(|error| error.to_string());
                wire::to_body(&signature.map(|bytes| bytes.to_vec())).map_err(unreadable)
            }
            (None, _) => Err(Refusal::Away(self.me)),
            _ => Err(Refusal::NotAllowed { from, to: self.me, verb }),
        }
    }

    fn notice(&self, verb: Verb, body: Vec<u8>) {
        match verb {
            Verb::Ring => rings::ring(&self.bell, self.me, &body),
            Verb::Forgotten => self.bell.ring(Ring::Forgotten),
            Verb::Stop => self.stop.cancel(),
            // Visitors go between gateway and docs, calls of engines from kernel and gateway to mesh.
            Verb::Down => match (self.service.get(), wire::from_body(&body)) {
                (Some(Service::Docs(_, _, visits)), Ok(Party::Gateway))
                | (Some(Service::Gateway(_, visits, _)), Ok(Party::Docs)) => visits.clear(),
                (Some(Service::Kernel(calls) | Service::Gateway(_, _, calls)), Ok(Party::Mesh)) => calls.clear(),
                (Some(Service::Mesh(_, _, _, calls)), Ok(who @ (Party::Kernel | Party::Gateway))) => calls.clear(who),
                _ => {}
            },
            Verb::Start => {
                let told = self.told.lock().unwrap_or_else(PoisonError::into_inner).take();
                match (wire::from_body(&body), told) {
                    // Who waits for it has given up only when the process ends.
                    (Ok(start), Some(told)) => drop(told.send(start)),
                    (Err(error), _) => tracing::error!(%error, "the supervisor's first words cannot be read"),
                    (Ok(_), None) => {}
                }
            }
            Verb::Roles => match wire::from_body(&body) {
                Ok(roles) => drop(self.roles.send_replace(roles)),
                Err(error) => tracing::warn!(%error, "the roles' status cannot be read"),
            },
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn quiet<T>() -> T {
        std::future::pending().await
    }

    fn open_link() -> JoinHandle<Result<(), link::Error>> {
        tokio::spawn(quiet())
    }

    #[tokio::test]
    async fn a_role_whose_service_ends_by_itself_ends_with_an_error() {
        let stop = CancellationToken::new();
        let over = over(Party::Kernel, open_link(), &stop, std::future::ready(Ended::Broke), quiet()).await;
        assert_eq!(over.unwrap_err().to_string(), "the kernel ended by itself");
    }

    #[tokio::test]
    async fn a_role_whose_settings_changed_ends_well_and_is_started_anew_by_the_supervisor() {
        let stop = CancellationToken::new();
        over(Party::Mesh, open_link(), &stop, std::future::ready(Ended::Anew), quiet()).await.unwrap();
    }

    #[tokio::test]
    async fn a_role_that_is_told_to_end_ends_well() {
        let stop = CancellationToken::new();
        stop.cancel();
        // Its service ends at the same time, because it was told to.
        over(Party::Gateway, open_link(), &stop, std::future::ready(Ended::Broke), quiet()).await.unwrap();
    }

    #[tokio::test]
    async fn a_closed_link_is_no_error_and_a_broken_reader_is_one() {
        let stop = CancellationToken::new();
        over(Party::Docs, tokio::spawn(async { Ok(()) }), &stop, quiet(), quiet()).await.unwrap();
        let broken = tokio::spawn(async { panic!("a fault") });
        assert!(over(Party::Docs, broken, &stop, quiet(), quiet()).await.is_err());
    }

    #[tokio::test]
    async fn a_role_that_can_send_no_rings_any_more_ends_with_an_error() {
        let stop = CancellationToken::new();
        let broken: JoinHandle<()> = tokio::spawn(async { panic!("a fault") });
        let broken = async { if let Err(error) = broken.await { error } else { quiet().await } };
        assert!(over(Party::Kernel, open_link(), &stop, quiet(), broken).await.is_err());
    }
}

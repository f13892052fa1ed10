/**
 * Commands that the scripts of Debian and RPM packages run where systemd runs. A program whose files were replaced or removed would start a watchdog of
 * another version at its next cutover, or none. What doesn't run is not started, and a service that fails doesn't fail the package.
 */
const AGENTS = "linkspan-agent.service 'linkspan-sync@*.service'";

export const RELOAD = 'systemctl daemon-reload';

/** After an upgrade. The control plane comes first: agents that are newer than it follow no orders (docs/adr/0022-signed-answers.md). */
export const RESTART = ['linkspan-serve.service', AGENTS].map((names) => `systemctl try-restart ${names} || true`);

/** Before a removal. Each service gets the time that its unit allows. */
export const STOP = [AGENTS, 'linkspan-serve.service'].map((names) => `systemctl stop ${names} || true`);

/*
 * Commands that the scripts of Debian and RPM packages run where systemd runs. A program whose files were replaced or removed would start a watchdog of
 * another version at its next cutover, or none. What doesn't run is not started, and a service that fails doesn't fail the package.
 */

export const RELOAD = 'systemctl daemon-reload';

/**
 * They run after an upgrade. The control plane comes first: agents that are newer than it follow no orders (docs/adr/0022-signed-answers.md). A `sync` that is
 * started again waits for an operator who starts its migration, so its service continues as it is.
 */
export const RESTART = ['serve', 'agent'].map((name) => `systemctl try-restart linkspan-${name}.service || true`);

/** They run before a removal. Each service gets the time that its unit allows. */
export const STOP = ['agent', 'sync@*', 'serve'].map((name) => `systemctl stop 'linkspan-${name}.service' || true`);

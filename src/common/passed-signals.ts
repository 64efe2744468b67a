/** The signals that are passed on to the command: the launcher's handler takes them, and so does its child's. */
export const passedSignals = ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGUSR1', 'SIGUSR2'] as const;

/** Texts of the guide to a first migration. */
export const guideText = {
  done: 'Done:',
  steps: [
    ['Create a project', 'It holds the destination, and keys can have roles in it.'],
    ['Register a destination', 'The cluster to which the data moves. It exists already, and should be empty.'],
    ['Issue a link-token', 'With it, an agent near the source connects to this server. Nothing connects to the agent.'],
    [
      'Start the agent',
      'Save the agent.yaml that comes with the link-token, fill in the source, and start the agent with the command below it. Done when an agent offers a cluster.',
    ],
    ['Start the migration', 'Choose source and destination, check everything, then start.'],
  ],
  alone: 'An owner of the organization can start one. The page shows it by itself.',
} as const;

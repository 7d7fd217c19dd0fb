/** The worker's path in a site. The page that `graft web` writes has another module here: it names its own version's file. */
export const workerFile = 'worker.js'

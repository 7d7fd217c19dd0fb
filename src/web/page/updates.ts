/** Works without a network, and says when another version of the page is there. */
import { byId } from './dom.ts'

const files = byId('site-files', HTMLScriptElement).textContent

/** @param site URL of the site's folder */
export async function setUpUpdates(site: URL): Promise<void> {
  const { serviceWorker } = navigator
  serviceWorker?.addEventListener('message', ({ data }: MessageEvent<{ version: string }>) => {
    byId('update', HTMLParagraphElement).hidden = data.version === JSON.stringify(JSON.parse(files))
  })
  byId('reload', HTMLButtonElement).addEventListener('click', () => location.reload())
  // Pages stay open for weeks: coming back is a time to look.
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'visible') serviceWorker?.controller?.postMessage('look')
  })
  await serviceWorker?.register(new URL('service-worker.js', site)).catch(() => undefined)
}

/** Finds and makes elements. */

/** The element with an id, which index.html must have. */
export function byId<T extends HTMLElement>(id: string, type: new () => T): T {
  const element = document.getElementById(id)
  if (element instanceof type) return element
  throw new Error(`index.html has no ${type.name} #${id}`)
}

/** A copy of a template's one element. */
export function copyTemplate(id: string): HTMLElement {
  const copy = byId(id, HTMLTemplateElement).content.firstElementChild?.cloneNode(true)
  if (copy instanceof HTMLElement) return copy
  throw new Error(`the template #${id} is empty`)
}

/** A new element with a text. */
export function create<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  { text = '', className = '' }: { text?: string; className?: string } = {},
): HTMLElementTagNameMap[Name] {
  const element = document.createElement(name)
  element.textContent = text
  element.className = className
  return element
}

/** Sets the text of the first element inside that matches. */
export function setText(parent: ParentNode, selector: string, text: string): void {
  const element = parent.querySelector(selector)
  if (element) element.textContent = text
}

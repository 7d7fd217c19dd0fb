/** The quickstart's tasks and the messages that it classifies. */

export const TASKS = ['spam', 'sentiment', 'intent'] as const

export type TaskName = (typeof TASKS)[number]

/** Messages, and the adapter to ask; without one the merged spam model answers. */
export const MESSAGES: readonly { text: string; adapter?: TaskName }[] = [
  { text: 'Congratulations! You have won a free cruise. Call now to claim your prize.' },
  { text: 'Hi, are we still meeting for lunch tomorrow?' },
  { text: 'URGENT: your account will be suspended. Verify your password at the link below.' },
  { text: 'Can you pick up some milk on your way home?' },
  { text: 'Claim your cash reward today, just confirm your bank details', adapter: 'spam' },
  { text: 'The food was cold and the waiter was rude.', adapter: 'sentiment' },
  { text: 'Wake me up at half past six tomorrow', adapter: 'intent' },
  { text: 'A wonderful book, I loved every page of it.', adapter: 'sentiment' },
  { text: 'Will it rain in the afternoon?', adapter: 'intent' },
]

/** What the page says about a task, and texts to try it with. */
export const ABOUT: Record<TaskName, { description: string; examples: string[] }> = {
  spam: {
    description: 'Is a text message an advertisement or a fraud (spam), or from somebody you know (ham)?',
    examples: [
      'URGENT: your account will be suspended. Verify your password at the link below.',
      'Hi, are we still meeting for lunch tomorrow?',
      'Congratulations! You have won a free cruise. Call now to claim your prize.',
    ],
  },
  sentiment: {
    description: 'Does a review praise what it is about, or complain?',
    examples: [
      'A wonderful book, I loved every page of it.',
      'The food was cold and the waiter was rude.',
      'Two hours that I will never get back.',
    ],
  },
  intent: {
    description: 'What does somebody want from a voice assistant?',
    examples: [
      'Wake me up at half past six tomorrow',
      'Will it rain in the afternoon?',
      'Put oat milk and two lemons on the list',
      'Turn the lights in the kitchen down',
    ],
  },
}

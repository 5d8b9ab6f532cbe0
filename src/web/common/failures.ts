/** What nobody caught in a page or in its worker is said too. */
import { messageOf } from './words';

/** What of a window's or a worker's scope is used. */
type Scope = Pick<EventTarget, 'addEventListener'>;

/** Errors and rejections that reach the top of `scope` go to `say` in words. */
export function tellFailures(scope: Scope, say: (text: string) => void): void {
  scope.addEventListener('error', (event) => {
    // an image or a script that does not load is an event without words
    if ('message' in event) say(messageOf(event.message));
  });
  scope.addEventListener('unhandledrejection', (event) =>
    say(messageOf((event as PromiseRejectionEvent).reason)),
  );
}

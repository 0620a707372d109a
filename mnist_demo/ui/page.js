// What the page does without the server: it keeps the keyboard focus, announces what has happened to screen readers,
// scrolls it into sight, and says when no answer comes.
() => {
  const find = (selector) => document.querySelector(selector);
  const spoken = document.body.appendChild(document.createElement('p'));
  spoken.className = 'mnist-spoken';
  spoken.setAttribute('role', 'status');
  const say = (text) => { spoken.textContent = text.replace(/\s+/g, ' '); };
  const show = (node, block = 'nearest') => node?.scrollIntoView({block, behavior: 'instant'});
  const isSeen = (node) => Boolean(node?.checkVisibility());

  // Enter after typing "4" would take the first value in the list with a 4 in it, "40". So Enter leaves the field
  // instead, which takes what was typed. After an arrow key, Enter takes the chosen value.
  let hasTyped = false;
  document.addEventListener('input', ({target}) => { hasTyped = target.matches('.mnist-typed input'); }, true);
  document.addEventListener('keydown', (event) => {
    if (['ArrowUp', 'ArrowDown', 'Tab'].includes(event.key)) hasTyped = false;
    // Gradio opens a list at any key, and too late: Tab would leave it open, over the fields beside it.
    if (event.key === 'Tab' && event.target.matches('[role=combobox]')) event.stopImmediatePropagation();
    if (event.key !== 'Enter' || !hasTyped || !event.target.matches('.mnist-typed input')) return;
    hasTyped = false;
    event.stopImmediatePropagation();
    event.target.blur();
  }, true);

  // Train, Stop and Resume: the pressed button is switched off, and the focus goes to the one that can be pressed next.
  let held = null; // the button that had the focus last
  document.addEventListener('focusin', ({target}) => { held = target.closest('#train, #stop, #resume'); });
  const pass = () => {
    const isLost = document.activeElement === document.body || document.activeElement === held;
    if (!held?.disabled || !isLost) return;
    (isSeen(find('#stop:enabled')) ? find('#stop') : find('#resume:enabled') ?? find('#train:enabled'))?.focus({preventScroll: true});
  };
  // On a telephone the columns are pages, and a bar at the bottom leads from one to the other.
  const turnTo = (page) => {
    find('.mnist-works').dataset.page = page;
    for (const button of document.querySelectorAll('.mnist-pages button')) button.setAttribute('aria-current', button.dataset.page === page);
  };
  document.addEventListener('click', ({target}) => {
    if (target.closest('#train-both')) find('#train').click();
    const page = target.closest('.mnist-pages button')?.dataset.page;
    if (page) { turnTo(page); scrollTo(0, 0); }
  });
  turnTo(isSeen(find('#landing')) ? 'stage' : 'story');
  const named = (page, text) => {
    const button = find(`.mnist-pages [data-page=${page}]`);
    if (button.textContent !== text) button.textContent = text;
  };
  let wasTraining = false;
  const follow = () => {
    const isTraining = find('#train').disabled;
    if (isTraining === wasTraining) return pass();
    wasTraining = isTraining;
    pass();
    if (isTraining) {
      turnTo('stage');
      show(find('#curves'));
      return say('The training has started.');
    }
    setTimeout(() => say(summary()), 400); // when the cards also show the end
  };
  const summary = () => {
    const cards = [...document.querySelectorAll('.mnist-run')].map((card) => {
      const texts = [card.querySelector('h3'), card.querySelector('dd:nth-last-of-type(3)')].map((node) => node?.innerText.trim());
      return texts.filter(Boolean).join(': ');
    });
    return ['The training has ended.', find('#notice')?.innerText.trim(), ...cards].filter(Boolean).join(' ');
  };
  for (const name of ['train', 'stop', 'resume']) {
    new MutationObserver(follow).observe(find('#' + name), {attributes: true, attributeFilter: ['disabled']});
  }

  // A new question after "Next" or "Try" is brought into sight, with the focus; so is an answer when it comes.
  let isAsked = false;
  document.addEventListener('click', ({target}) => { isAsked ||= Boolean(target.closest('[id^=next-], [id^=hint-try-]')); }, true);
  const question = find('#question'), difference = find('#difference');
  const turn = () => {
    if (!isAsked) return;
    isAsked = false;
    turnTo(isSeen(find('#landing')) ? 'stage' : 'story');
    show(find('#lesson'));
    question.tabIndex = -1;
    question.focus({preventScroll: true});
    say(question.innerText.trim());
  };
  for (const node of [question, difference]) new MutationObserver(turn).observe(node, {childList: true, subtree: true, characterData: true});
  let answered = '';
  setInterval(() => {
    const answer = find('#answer'), text = answer?.innerText.trim() ?? '';
    named('story', text ? 'Why' : 'Question');
    const place = find('.mnist-run dd')?.innerText.split(/,| ·/)[0] ?? '';
    named('stage', find('#landing') ? 'Draw' : /\d of \d/.test(place) ? `Curves, ${place}` : 'Curves');
    if (text && text !== answered) {
      show(answer);
      say(`${spoken.textContent} ${text}`);
    }
    answered = text;
    watch();
  }, 400);

  // The code shows its first line that differs. A wide page has room for it beside the curves.
  const code = find('#code'), toDifference = () => {
    const mark = code.querySelector('mark');
    if (mark) code.scrollTop += mark.getBoundingClientRect().top - code.getBoundingClientRect().top - code.clientHeight / 3;
  };
  new MutationObserver(toDifference).observe(code, {childList: true, subtree: true});
  code.addEventListener('click', ({target}) => { if (target.closest('.label-wrap')) requestAnimationFrame(toDifference); });
  // A drawer opens below the edge of the window, where nobody sees it.
  document.addEventListener('click', ({target}) => setTimeout(() => {
    const drawer = target.closest('.label-wrap.open')?.closest('#runs-drawer, #downloads, #code, #step-by-step');
    if (drawer) show(drawer);
  }, 100));
  if (matchMedia('(min-width: 1700px)').matches) code.querySelector('.label-wrap:not(.open)')?.click();

  // A proxy may end a stream without a word, and what waits for it would wait for ever: the page is loaded again, which
  // brings everything back. The browser notes each stream that has ended; whoever waits shows its progress.
  let joined = 0;
  new PerformanceObserver((list) => {
    for (const {name, startTime, responseEnd} of list.getEntries()) {
      const path = new URL(name).pathname;
      if (path.endsWith('/queue/join')) joined = startTime;
      if (!path.endsWith('/queue/data')) continue;
      setTimeout(() => {
        if (joined < responseEnd && find('[data-testid=status-tracker]:not(.hide)')) location.reload();
      }, 2000);
    }
  }).observe({type: 'resource'});

  // If there is ink but no answer comes, the server may be gone.
  let since = 0;
  function watch() {
    const canvas = find('#canvas .mnist-canvas'), bars = find('#bars .mnist-bars');
    const isWaiting = canvas && Number(canvas.dataset.seq) > Number(bars?.dataset.seq || 0);
    if (!isWaiting) since = 0;
    else if (!since) since = Date.now();
    if (!since || Date.now() - since < 5000) return;
    bars.querySelector('.mnist-bars-message').textContent = 'No answer has come for this drawing. The server is busy or gone: wait a moment, or reload the page.';
  }
}

/** argv in, exit status out. Every failure ends here as a message that says what, why and what to type next. */
import { Command, CommanderError } from 'commander';
import { EXIT, LoopscopeError } from '../base/errors.ts';
import { printable } from '../base/printable.ts';
import { VERSION } from '../version.ts';
import { layOutHelp } from './help.ts';
import { commandsFor } from './registry.ts';

async function main(argv: string[]): Promise<number> {
  const program = new Command('loopscope')
    .description(
      'Drives an event-loop server with truthful load, watches its loop from the kernel, and names what makes it late.',
    )
    .version(VERSION, '-V, --version', 'print the version')
    .helpCommand('help [command]', 'show help for a command')
    .showSuggestionAfterError()
    .exitOverride()
    .configureOutput({ outputError: () => {} });
  layOutHelp(program);
  let status: number = EXIT.ok;
  for (const command of await commandsFor(argv)) {
    const sub = program.command(command.usage).description(command.summary).exitOverride();
    sub.configureOutput({ outputError: () => {} }).showSuggestionAfterError();
    layOutHelp(sub);
    command.configure(sub, (code) => {
      status = code;
    });
  }
  program.addHelpText('after', '\nFirst time here? Try: loopscope lab demo');
  try {
    if (argv.length === 0) {
      process.stdout.write(program.helpInformation());
      return EXIT.usage;
    }
    await program.parseAsync(argv, { from: 'user' });
    return status;
  } catch (error) {
    return reportFailure(error, argv);
  }
}

function reportFailure(error: unknown, argv: string[]): number {
  if (error instanceof CommanderError) {
    // Help and version are exits too, of the good kind.
    if (error.exitCode === 0) return EXIT.ok;
    return reportFailure(
      new LoopscopeError(
        'USAGE',
        error.message.replace(/^error: /, ''),
        `see 'loopscope ${argv[0]?.startsWith('-') ? '' : `${argv[0] ?? ''} `}--help'`.replace('  ', ' '),
      ),
      argv,
    );
  }
  const known = error instanceof LoopscopeError;
  const code = known ? error.code : 'INTERNAL';
  const message = error instanceof Error ? error.message : String(error);
  const hint = known ? error.hint : 'this is a bug in loopscope; please report it with the text above';
  if (argv.includes('--json')) {
    process.stdout.write(`${JSON.stringify({ error: { code, message, hint } })}\n`);
  }
  process.stderr.write(`loopscope: ${printable(message, 2000)}\n`);
  if (!known && error instanceof Error && error.stack) process.stderr.write(`${error.stack}\n`);
  if (hint) process.stderr.write(`  try: ${printable(hint, 500)}\n`);
  return known ? error.exitCode : EXIT.failed;
}

// A reader that closes early (| head) ends us quietly, as it ends other tools.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(EXIT.ok);
  throw error;
});

process.exitCode = await main(process.argv.slice(2));

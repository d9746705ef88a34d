using System.Runtime.InteropServices;

namespace Formation.Inference.Cli.Inference;

/// <summary>Lets Ctrl+C stop the running answer instead of the process; while none runs, it ends the process as usual.</summary>
sealed class AnswerInterrupts : IDisposable
{
    private readonly PosixSignalRegistration _registration;
    private volatile CancellationTokenSource? _running;

    public AnswerInterrupts() => _registration = PosixSignalRegistration.Create(PosixSignal.SIGINT, signal =>
    {
        if (_running is not { } answer)
            return;
        signal.Cancel = true;
        answer.Cancel();
    });

    /// <summary>Until the result is disposed, Ctrl+C cancels this answer.</summary>
    public IDisposable During(CancellationTokenSource answer)
    {
        _running = answer;
        return new Scope(this);
    }

    public void Dispose() => _registration.Dispose();

    private sealed class Scope(AnswerInterrupts owner) : IDisposable
    {
        public void Dispose() => owner._running = null;
    }
}

using System.Runtime.CompilerServices;
using System.Text.Json;
using Formation.Inference.Gateway.Contents;
using Formation.Inference.Gateway.Errors;

namespace Formation.Inference.Gateway.OpenAI.Responses.Background;

/// <summary>
/// Looks on while a response runs in the background, here or at another gateway. The last event is made of the response as it is kept, whoever ended it.
/// </summary>
internal sealed class ResponseEventReader(GatewayOptions options, BackgroundResponses background)
{
    static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(250);

    /// <summary>Whether a response has events to look at: it was asked for as a stream, and has not ended long ago.</summary>
    internal async Task<bool> HasEventsAsync(string account, string id, CancellationToken cancellationToken) =>
        await options.Contents!.ResponseEvents.FindAsync(account, id, 0, cancellationToken) is not null;

    /// <summary>The events behind one, as they come, until the response has ended.</summary>
    /// <param name="account">Whose the response is.</param>
    /// <param name="id">The response.</param>
    /// <param name="after">The number of the last event that is known, or -1.</param>
    /// <param name="cancellationToken">Looks away; the response goes on.</param>
    internal async IAsyncEnumerable<ToldEvent> ReadAsync(
        string account, string id, int after, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        ContentStore contents = options.Contents!;
        using var end = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, background.Stopping);
        int next = after + 1;
        while (true)
        {
            // Whether it has ended is asked before what it said: what comes between the two is seen the next time.
            ResponseLog? log = background.FindLog(id);
            Task? changed = log?.Changed;
            ResponseState? state = log is null ? await contents.Responses.FindStateAsync(account, id, cancellationToken) : ResponseState.Open;
            IReadOnlyList<ToldEvent> events = log?.From(next)
                ?? (await contents.ResponseEvents.FindAsync(account, id, next, cancellationToken) is { } piece ? ToldEvent.Read(piece, next) : []);
            foreach (ToldEvent each in events)
            {
                yield return each;
                next = each.Sequence + 1;
            }

            if (events.Count > 0)
                continue;
            if (state is null)
            {
                yield return Failure(new ApiError(404, ApiError.InvalidRequest, null, "The response was deleted."));
                yield break;
            }

            if (state != ResponseState.Open)
            {
                // Who asks for events behind the end gets none.
                bool isNext = next > after + 1 || next == 0 || await contents.ResponseEvents.FindAsync(account, id, after, cancellationToken) is not null;
                if (isNext && await EndAsync(contents, account, id, next, cancellationToken) is { } last)
                    yield return last;
                yield break;
            }

            try
            {
                await (changed is null ? Task.Delay(LookInterval, options.Clock, end.Token) : changed.WaitAsync(end.Token));
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
            }

            if (background.Stopping.IsCancellationRequested)
            {
                yield return Failure(ApiErrors.ShuttingDown);
                yield break;
            }
        }
    }

    static async Task<ToldEvent?> EndAsync(ContentStore contents, string account, string id, int next, CancellationToken cancellationToken)
    {
        if (await contents.Responses.FindAnswerAsync(account, id, cancellationToken) is not { } answer)
            return null;
        ResponseObject response = JsonSerializer.Deserialize(answer, OpenAIJsonContext.Answers.ResponseObject)!;
        return new ToldEvent(next, new ResponseEvent($"response.{response.Status}", next, response).ToJson());
    }

    static ToldEvent Failure(ApiError error) => new(0, default) { Failure = error };
}

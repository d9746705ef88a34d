namespace Formation.Inference;

/// <summary>All that the gateway knows of inference: a request goes in, events or an answer come out.</summary>
/// <remarks>
/// <para>The stream begins with one <see cref="GenerationStarted"/>, goes on with <see cref="GenerationDelta"/>s, has one
/// <see cref="GenerationFinished"/> for each choice, and ends when all choices have finished. A failure at any point is one
/// <see cref="GenerationFailed"/>, which is always the last event; expected failures never throw.</para>
/// <para>A request for no choices (<see cref="GenerationRequest.Choices"/> is 0) is answered with its <see cref="GenerationStarted"/> alone, or,
/// where it wants its prompt back, with one echo behind that: of choice 0, with all of the prompt's tokens. A prompt of up to twice the model's
/// context is counted; a longer one is too long.</para>
/// <para>Cancelling the token drops the request at the next step of the engine, frees what it held, and ends the enumeration with
/// <see cref="OperationCanceledException"/>. Implementations are safe to call from any number of threads.</para>
/// </remarks>
public interface IInferenceBackend
{
    IAsyncEnumerable<GenerationEvent> GenerateAsync(GenerationRequest request, CancellationToken cancellationToken);

    /// <summary>Computes the vectors of some inputs. Any model that is served embeds, but a reranker.</summary>
    /// <param name="request">The inputs.</param>
    /// <param name="cancellationToken">Drops the request as above.</param>
    /// <returns>The vectors of all inputs, or why there are none: one input that is at fault fails the request.</returns>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    Task<Outcome<EmbeddingAnswer>> EmbedAsync(EmbeddingRequest request, CancellationToken cancellationToken);
}

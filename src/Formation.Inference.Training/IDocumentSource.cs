namespace Formation.Inference.Training;

/// <summary>Where a document source stands; setting it again continues with the same documents.</summary>
/// <param name="Random">State of its random numbers.</param>
/// <param name="Position">How many of its items it has dealt.</param>
public readonly record struct DocumentSourceState(ulong Random, long Position);

/// <summary>An endless sequence of documents that can be continued from any place.</summary>
public interface IDocumentSource
{
    /// <summary>Where the sequence stands.</summary>
    DocumentSourceState State { get; set; }

    /// <summary>The next document.</summary>
    TrainingDocument Next();
}

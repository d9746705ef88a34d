using Formation.Inference.Kernels.Dense;

namespace Formation.Inference.Training;

/// <summary>A document to learn from.</summary>
/// <param name="Tokens">Its tokens, at least 2.</param>
/// <param name="Learn">For each token whether predicting it counts; the first can't.</param>
public sealed record TrainingDocument(int[] Tokens, bool[] Learn);

/// <summary>
/// Documents laid one after another without padding. Row i of a document holds its token i and predicts token i + 1; the last token is only
/// predicted.
/// </summary>
public sealed class StepBatch
{
    private StepBatch(int[] tokens, int[] positions, DocumentSpan[] documents, int[] lossRows, int[] targets)
    {
        Tokens = tokens;
        Positions = positions;
        Documents = documents;
        LossRows = lossRows;
        Targets = targets;
    }

    /// <summary>The input token of each row.</summary>
    public int[] Tokens { get; }

    /// <summary>Each row's place in its document.</summary>
    public int[] Positions { get; }

    public DocumentSpan[] Documents { get; }

    /// <summary>The rows whose prediction counts.</summary>
    public int[] LossRows { get; }

    /// <summary>The token that each loss row should predict.</summary>
    public int[] Targets { get; }

    /// <summary>Rows that a document takes.</summary>
    public static int RowsOf(TrainingDocument document) => document.Tokens.Length - 1;

    /// <exception cref="ArgumentException">A document has fewer than 2 tokens or not one flag for each.</exception>
    public static StepBatch Of(IReadOnlyList<TrainingDocument> documents)
    {
        var rows = documents.Sum(RowsOf);
        var tokens = new int[rows];
        var positions = new int[rows];
        var spans = new DocumentSpan[documents.Count];
        List<int> lossRows = [], targets = [];
        var row = 0;
        for (var d = 0; d < documents.Count; d++)
        {
            var document = documents[d];
            if (document.Tokens.Length < 2 || document.Learn.Length != document.Tokens.Length)
                throw new ArgumentException(
                    $"document {d} has {document.Tokens.Length} tokens and {document.Learn.Length} flags", nameof(documents));
            spans[d] = new DocumentSpan(row, RowsOf(document));
            for (var i = 0; i < RowsOf(document); i++, row++)
            {
                tokens[row] = document.Tokens[i];
                positions[row] = i;
                if (!document.Learn[i + 1])
                    continue;
                lossRows.Add(row);
                targets.Add(document.Tokens[i + 1]);
            }
        }
        return new StepBatch(tokens, positions, spans, [.. lossRows], [.. targets]);
    }
}

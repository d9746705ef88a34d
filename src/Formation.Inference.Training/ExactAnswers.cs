using Formation.Inference.Training.Layers;

namespace Formation.Inference.Training;

/// <summary>
/// Whether a model would give exact answers at temperature 0. Its likeliest token is right at every learnt place of a document if and
/// only if it would write just these tokens by itself, so one pass over the whole document tells.
/// </summary>
public static class ExactAnswers
{
    /// <summary>For each document whether every learnt token is the likeliest.</summary>
    /// <param name="model">The model; its parameters do not change.</param>
    /// <param name="documents">Prompts with the wanted answers.</param>
    /// <param name="rows">Rows to pass at once, at most what the model was made for.</param>
    public static bool[] Check(LanguageModel model, IReadOnlyList<TrainingDocument> documents, int rows)
    {
        var exact = new bool[documents.Count];
        for (var start = 0; start < documents.Count;)
        {
            List<TrainingDocument> part = [];
            var used = 0;
            while (start + part.Count < documents.Count && (used == 0 || used + StepBatch.RowsOf(documents[start + part.Count]) <= rows))
            {
                used += StepBatch.RowsOf(documents[start + part.Count]);
                part.Add(documents[start + part.Count]);
            }

            var hits = model.Pass(StepBatch.Of(part), learn: false).Hits;
            var hit = 0;
            for (var i = 0; i < part.Count; i++)
            {
                var learnt = part[i].Learn.Skip(1).Count(counts => counts);
                exact[start + i] = hits.AsSpan(hit, learnt).IndexOf(false) < 0;
                hit += learnt;
            }
            start += part.Count;
        }
        return exact;
    }
}

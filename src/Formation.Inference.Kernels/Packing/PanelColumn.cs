namespace Formation.Inference.Kernels.Packing;

/// <summary>One output of a panel, for the scalar definitions of the formats.</summary>
internal readonly unsafe ref struct PanelColumn(IntegerPanel panel, int output)
{
    internal void Level(int column, int level) =>
        panel.Levels[column / 4 * IntegerPanel.QuadBytes + output * sizeof(int) + column % 4] = (byte)level;

    internal void GroupScale(int group, int scale) => panel.GroupScales[group * IntegerPanel.Outputs + output] = scale;

    /// <param name="sixteen">Which sixteen columns.</param>
    /// <param name="minimum">Fits 16 bits.</param>
    internal void Minimum(int sixteen, int minimum) =>
        ((short*)panel.Minimums)[(sixteen / 2 * IntegerPanel.Outputs + output) * 2 + sixteen % 2] = (short)minimum;

    internal void Scale(float scale) => panel.Scales[output] = scale;

    internal void Offset(float offset) => panel.Offsets[output] = offset;
}

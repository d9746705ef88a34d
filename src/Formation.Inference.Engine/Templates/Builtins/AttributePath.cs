using System.Globalization;

namespace Formation.Inference.Engine.Templates.Builtins;

/// <summary>The attribute argument of filters such as <c>map</c> and <c>sort</c>: an index, or names and indices joined by dots.</summary>
internal static class AttributePath
{
    public static TemplateValue Get(RenderContext context, TemplateValue item, TemplateValue path, TemplateValue? defaultValue = null)
    {
        if (path is not StringValue text)
            return OrDefault(Members.Item(context, item, path), defaultValue);
        context.ChargeText(text.Value.Length);
        context.ChargeObjects(text.Text.AsSpan().Count('.'));
        foreach (var part in text.Text.Split('.'))
        {
            context.Charge(1);
            TemplateValue key = int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out var index)
                ? new IntegerValue(index)
                : text.Value.IsTemplate ? StringValue.Template(part) : StringValue.Data(part);
            item = OrDefault(Members.Item(context, item, key), defaultValue);
        }
        return item;
    }

    static TemplateValue OrDefault(TemplateValue value, TemplateValue? defaultValue) =>
        value is UndefinedValue && defaultValue is not null ? defaultValue : value;
}
